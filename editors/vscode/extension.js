// Starts `ct dap` as the debug adapter of the type "codetracer-python". All the rest is VS Code's own.
"use strict";

const vscode = require("vscode");

const TYPE = "codetracer-python";

/** Asks for a recording; undefined when nobody answers. */
async function chooseRecording() {
  const chosen = await vscode.window.showOpenDialog({
    canSelectFiles: false,
    canSelectFolders: true,
    openLabel: "Open recording",
    title: "The directory of a recording (of ct record)",
  });
  return chosen?.[0]?.fsPath;
}

const configurations = {
  /** F5 without a launch.json, or a configuration without a recording, asks for one. */
  async resolveDebugConfiguration(_folder, config) {
    const resolved = { type: TYPE, request: "launch", name: "Debug a recording", ...config };
    resolved.traceFolder ??= await chooseRecording();
    return resolved.traceFolder === undefined ? undefined : resolved;
  },
};

const adapters = {
  createDebugAdapterDescriptor() {
    const ct = vscode.workspace.getConfiguration(TYPE).get("ct") || "ct";
    return new vscode.DebugAdapterExecutable(ct, ["dap"]);
  },
};

async function openRecording() {
  const config = await configurations.resolveDebugConfiguration(undefined, {});
  if (config !== undefined) {
    await vscode.debug.startDebugging(undefined, config);
  }
}

function activate(context) {
  context.subscriptions.push(
    vscode.debug.registerDebugConfigurationProvider(TYPE, configurations),
    vscode.debug.registerDebugAdapterDescriptorFactory(TYPE, adapters),
    vscode.commands.registerCommand(`${TYPE}.open`, openRecording),
  );
}

module.exports = { activate };

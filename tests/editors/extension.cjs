// The extension for VS Code, without VS Code: what it registers, with a stand-in for the editor.
const assert = require("node:assert");
const Module = require("node:module");

const registered = {};
const started = [];
let chosen = [{ fsPath: "/a recording" }];
let setting = "ct";

const editor = {
  DebugAdapterExecutable: class {
    constructor(command, args) {
      Object.assign(this, { command, args });
    }
  },
  window: { showOpenDialog: async () => chosen },
  workspace: { getConfiguration: () => ({ get: () => setting }) },
  debug: {
    registerDebugConfigurationProvider: (type, made) => (registered[`${type} configurations`] = made),
    registerDebugAdapterDescriptorFactory: (type, made) => (registered[`${type} adapters`] = made),
    startDebugging: async (_folder, config) => started.push(config),
  },
  commands: { registerCommand: (name, made) => (registered[name] = made) },
};

const load = Module._load;
Module._load = (name, ...rest) => (name === "vscode" ? editor : load(name, ...rest));

async function main() {
  const context = { subscriptions: [] };
  require(process.argv[2]).activate(context);
  assert.strictEqual(context.subscriptions.length, 3);

  const adapters = registered["codetracer-python adapters"];
  assert.deepEqual({ ...adapters.createDebugAdapterDescriptor() }, { command: "ct", args: ["dap"] });
  setting = "/elsewhere/ct";
  assert.strictEqual(adapters.createDebugAdapterDescriptor().command, "/elsewhere/ct");

  const { resolveDebugConfiguration } = registered["codetracer-python configurations"];
  const given = { type: "codetracer-python", request: "launch", name: "x", traceFolder: "/b" };
  assert.deepEqual(await resolveDebugConfiguration(undefined, given), given);
  assert.strictEqual((await resolveDebugConfiguration(undefined, {})).traceFolder, "/a recording");

  await registered["codetracer-python.open"]();
  assert.strictEqual(started[0].traceFolder, "/a recording");
  chosen = undefined;
  await registered["codetracer-python.open"]();
  assert.strictEqual(started.length, 1);
}

main().catch((error) => {
  console.error(error);
  process.exitCode = 1;
});

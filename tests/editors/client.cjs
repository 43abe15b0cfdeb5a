// VS Code's own client for tests of debug adapters drives `ct dap`: CT RECORDING PROGRAM. Ends with 0
// when every promise it knows of was kept.
const assert = require("node:assert");
const { DebugClient } = require("@vscode/debugadapter-testsupport");

const [ct, recording, program] = process.argv.slice(2);
const client = new DebugClient(ct, "dap", "codetracer-python");
const launch = { traceFolder: recording };

async function variables(frameId) {
  const scopes = (await client.scopesRequest({ frameId })).body.scopes;
  const reference = scopes.find((scope) => scope.name === "Locals").variablesReference;
  const found = (await client.variablesRequest({ variablesReference: reference })).body.variables;
  return Object.fromEntries(found.map((variable) => [variable.name, variable.value]));
}

async function sessions() {
  await client.start();
  await client.hitBreakpoint({ ...launch, stopOnEntry: false }, { path: program, line: 10 });
  const top = (await client.stackTraceRequest({ threadId: 1 })).body.stackFrames[0];
  assert.strictEqual(top.name, "leaf");
  assert.strictEqual((await variables(top.id)).n, "0");

  await Promise.all([
    client.stepBackRequest({ threadId: 1 }),
    client.assertStoppedLocation("step", { path: program, line: 9 }),
  ]);
  await Promise.all([
    client.stepOutRequest({ threadId: 1 }),
    client.assertStoppedLocation("step", { path: program, line: 23 }),
  ]);
  await Promise.all([
    client.continueRequest({ threadId: 1 }),
    client.assertStoppedLocation("breakpoint", { path: program, line: 10 }),
  ]);
  await Promise.all([
    client.reverseContinueRequest({ threadId: 1 }),
    client.assertStoppedLocation("breakpoint", { path: program, line: 10 }),
  ]);
  const watch = await client.evaluateRequest({ expression: "total + n", context: "watch" });
  assert.match(watch.body.result, /^\d+$/);
  await assert.rejects(client.evaluateRequest({ expression: "nope" }), /NameError/);
  await assert.rejects(client.customRequest("ct/nothing"), /no request/);

  const ended = client.waitForEvent("terminated");
  await client.terminateRequest({});
  await ended;
}

sessions()
  .catch((error) => {
    console.error(error);
    process.exitCode = 1;
  })
  .finally(() => client.stop()); // disconnects

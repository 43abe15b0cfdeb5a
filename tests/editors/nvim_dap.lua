-- nvim-dap itself reads the configuration of docs/how-to/editors.md and walks through the recording
-- of program.py: `nvim --headless -u NONE -S`. Status 77: there is no nvim-dap.
-- CT_SNIPPET: the configuration. CT_NVIM_DAP: nvim-dap's directory, where it is in no package path.

local plugin = vim.env.CT_NVIM_DAP
  or vim.fn.globpath(vim.o.packpath, "pack/*/*/nvim-dap", true, true)[1]
if not plugin then
  vim.cmd("77cquit!")
end
vim.opt.runtimepath:append(plugin)

local complaints = {}
vim.notify = function(message, level)
  if (level or 0) >= vim.log.levels.WARN then
    table.insert(complaints, message)
  end
end

local function main()
  local dap = require("dap")
  dofile(vim.env.CT_SNIPPET)

  local function wait(what, ready)
    assert(vim.wait(60000, ready, 20), what .. " did not come: " .. vim.inspect(complaints))
  end
  local function frame()
    return (dap.session() or {}).current_frame
  end
  local function go(command, line) -- which must stop at the line
    local before = frame()
    command()
    wait("line " .. line, function()
      return frame() and frame() ~= before and frame().line == line
    end)
    wait("the cursor", function()
      return vim.api.nvim_win_get_cursor(0)[1] == line
    end)
  end
  local function value(expression)
    local problem, answer
    dap.session():evaluate(expression, function(...)
      problem, answer = ...
    end)
    wait(expression, function()
      return problem or answer
    end)
    return problem and tostring(problem) or answer.result
  end
  local function shown(name) -- among the variables nvim-dap shows of the frame
    wait("variables", function()
      for _, scope in ipairs(frame().scopes or {}) do
        if not scope.variables then
          return false
        end
      end
      return frame().scopes
    end)
    for _, scope in ipairs(frame().scopes) do
      for _, variable in ipairs(scope.variables) do
        if variable.name == name then
          return variable.value
        end
      end
    end
  end
  local function completed(text) -- as nvim-dap's prompt does: the column it starts at, the word
    local line, column, word = "dap> " .. text, nil, nil
    local cursor, complete = vim.api.nvim_win_get_cursor, vim.fn.complete
    vim.api.nvim_win_get_cursor = function()
      return { 1, #line }
    end
    vim.api.nvim_get_current_line = function()
      return line
    end
    vim.fn.complete = function(at, items)
      column, word = at, items[1].word
    end
    dap.repl.omnifunc(1, "")
    wait("a completion", function()
      return word
    end)
    vim.api.nvim_win_get_cursor, vim.fn.complete = cursor, complete
    return line:sub(1, column - 1) .. word
  end
  local function expect(expected, found)
    assert(expected == found, string.format("%s is not %s", found, expected))
  end

  vim.cmd("edit program.py")
  vim.api.nvim_win_set_cursor(0, { 10, 0 })
  dap.toggle_breakpoint()
  go(function()
    dap.run(dap.configurations.python[1])
  end, 1)
  go(dap.continue, 10)
  expect("0", value("n + i"))
  expect("NameError: 'nope' has no value here (column 1)", value("nope"))
  expect("'k'", shown("key"))
  expect("dap> n + total", completed("n + to"))
  go(dap.step_over, 9)
  go(dap.step_back, 10)
  go(dap.continue, 10)
  expect("1", value("i"))
  go(dap.reverse_continue, 10)
  expect("0", value("i"))
  go(dap.step_out, 23)
  expect("main", frame().name)
  dap.clear_breakpoints()
  dap.set_exception_breakpoints({ "raised" })
  go(dap.continue, 15)
  wait("the exception", function()
    return #vim.diagnostic.get(0) == 1
  end)
  go(dap.restart, 1)

  local session, over = dap.session(), false
  session.on_close.ct = function()
    over = true
  end
  dap.terminate()
  wait("the end", function()
    return over and not dap.session()
  end)
  assert(#complaints == 0, vim.inspect(complaints))
end

local ok, problem = pcall(main)
if not ok then
  io.stderr:write(tostring(problem) .. "\n")
end
vim.cmd(ok and "qall!" or "cquit!")

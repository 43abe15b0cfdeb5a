-- Reads the configuration of docs/how-to/editors.md as Neovim does, in place of nvim-dap starts what
-- it says and opens the recording: nvim -l is newer than Debian's, so `nvim --headless -u NONE -S`.
-- CT_SNIPPET: the configuration.

local function main()
  local dap = { adapters = {}, configurations = {} }
  package.loaded.dap = dap
  dofile(vim.env.CT_SNIPPET)
  local adapter = dap.adapters["codetracer-python"]
  local configuration = dap.configurations.python[1]
  assert(adapter.type == "executable" and configuration.type == "codetracer-python")

  local heard = ""
  local function hear(_, data)
    heard = heard .. table.concat(data, "\n")
  end
  local job = vim.fn.jobstart({ adapter.command, unpack(adapter.args) }, { on_stdout = hear })
  assert(job > 0, "ct does not start")

  local seq = 0
  local function ask(command, arguments)
    seq = seq + 1
    local request = { seq = seq, type = "request", command = command, arguments = arguments }
    local body = vim.fn.json_encode(request)
    vim.fn.chansend(job, "Content-Length: " .. #body .. "\r\n\r\n" .. body)
  end
  local function wait(what)
    local function came()
      return heard:find(what, 1, true) ~= nil
    end
    assert(vim.wait(60000, came, 20), what .. " did not come: " .. heard)
  end

  local arguments = {}
  for key, value in pairs(configuration) do -- as nvim-dap fills in its variables
    local text = tostring(value)
    arguments[key] = text:gsub("${workspaceFolder}", vim.fn.getcwd())
  end
  ask("initialize", { adapterID = "nvim-dap", linesStartAt1 = true, pathFormat = "path" })
  wait('"supportsStepBack":true')
  ask(configuration.request, arguments)
  wait('"event":"initialized"')
  ask("configurationDone", vim.empty_dict())
  wait('"reason":"entry"')
  ask("next", { threadId = 1 })
  wait('"reason":"step"')
  ask("disconnect", vim.empty_dict())
  assert(vim.fn.jobwait({ job }, 60000)[1] == 0, "ct did not end well")
end

local ok, problem = pcall(main)
if not ok then
  io.stderr:write(tostring(problem) .. "\n")
end
vim.cmd(ok and "qall!" or "cquit!")

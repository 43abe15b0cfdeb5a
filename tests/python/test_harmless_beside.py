"""The recorder beside other things: debuggers, coverage, forks, threads, odd programs.

What the program prints, its status and its files must be as without the recorder.
"""

# ruff: noqa: E501 (the programs are data: their lines are as long as what they try)

import importlib.util
import json
import re
import sys
import textwrap

import pytest
from sanitizer import SANITIZED
from side_by_side import SideBySide


@pytest.fixture
def sides(ct, python, tmp_path):
    return SideBySide(ct, python, tmp_path)


PROGRAMS = {
    # Other tools
    "settrace": """
        import sys
        log = []
        def trace(frame, event, arg):
            if frame.f_code.co_filename == __file__: log.append((event, frame.f_lineno, repr(arg)[:30]))
            return trace
        def f(n):
            t = 0
            for i in range(n): t += i
            try: 1 / 0
            except ZeroDivisionError: pass
            return t
        sys.settrace(trace); f(3); list(x for x in [1, 2]); sys.settrace(None)
        print(len(log), *log, sep="\\n")
        sys.setprofile(lambda f, e, a: log.append(e)); f(1); len([]); sys.setprofile(None)
        print(log[-9:])
        """,
    "a debugger that steps": """
        import bdb
        class D(bdb.Bdb):
            def user_line(self, frame):
                if frame.f_code.co_name in "fg": print("line", frame.f_lineno, {k: v for k, v in frame.f_locals.items()})
                self.set_step()
            def user_return(self, frame, value): self.set_step()
        def g(y):
            z = y + 1
            return z
        def f(x):
            a = g(x)
            b = [a]
            b.append(g(a))
            return b
        print(D().runcall(f, 3))
        """,
    "an iterator with parts that are gone": """
        import itertools
        def longest(*parts):
            pairs = itertools.zip_longest(*parts)
            for left, right in pairs:
                print(left, right)
        def grouped(items):
            for group in itertools.zip_longest(*[iter(items)] * 3): print(group)
        longest([], [1, 2]); longest("abc", ()); grouped(range(7))
        """,
    "pdb": """
        # Not pdb.set_trace(): beside any monitoring tool, 3.13.0 stops it one line later.
        import io, pdb
        def f(x):
            y = x + 1
            z = [y]
            return z
        commands = io.StringIO("n\\np x\\nn\\np y\\nw\\nn\\np z\\nc\\n")
        print(pdb.Pdb(stdin=commands, nosigint=True, readrc=False).runcall(f, 2))
        """,
    "changing locals from a trace function": """
        import sys
        def trace(frame, event, arg):
            if event == "line" and frame.f_lineno == mark: frame.f_locals["x"] = 99; frame.f_lineno += 2
            return trace
        def f():
            x = 1
            y = 2
            y = 3
            y = 4
            return x, y
        mark = f.__code__.co_firstlineno + 3
        sys.settrace(trace); r = f(); sys.settrace(None); print(r)
        """,
    "another monitoring tool": """
        import sys
        m = sys.monitoring; log = []
        free = [i for i in range(6) if m.get_tool(i) is None][0]
        m.use_tool_id(free, "mine")
        E = m.events
        def f(n):
            t = 0
            for i in range(n):
                t += i
            return t
        for name in ("LINE", "PY_START", "PY_RETURN", "RAISE", "PY_UNWIND", "CALL", "JUMP", "BRANCH"):
            m.register_callback(free, getattr(E, name), lambda c, *a, n=name: c is f.__code__ and log.append((n, str(a)[:60])))
        m.set_events(free, E.LINE | E.PY_START | E.PY_RETURN | E.CALL | E.JUMP | E.BRANCH)
        f(2); m.restart_events(); f(1)
        m.set_events(free, 0); f(2)
        m.set_local_events(free, f.__code__, E.LINE); f(1); m.set_local_events(free, f.__code__, 0); f(1)
        m.register_callback(free, E.LINE, lambda c, l: log.append("once") or m.DISABLE)
        m.set_local_events(free, f.__code__, E.LINE); f(3); f(3)
        m.free_tool_id(free); f(1)
        print(len(log), *log, sep="\\n")
        """,
    "five other monitoring tools": """
        import sys
        m = sys.monitoring; log = []
        taken = []
        for i in range(6):
            try: m.use_tool_id(i, f"tool {i}"); taken.append(i)
            except ValueError: pass
            if len(taken) == 5: break
        for i in taken:
            m.register_callback(i, m.events.LINE, lambda c, l: c.co_filename == __file__ and log.append(l))
            m.set_events(i, m.events.LINE)
        x = 1
        y = 2
        for i in taken: m.set_events(i, 0); m.free_tool_id(i)
        print(len(taken), len(log) > 10, len(log) % 5)
        """,
    "tools taken in turns": """
        import sys
        m = sys.monitoring
        def f():
            x = 1
            return x
        done = 0
        for i in range(6):
            if m.get_tool(i) is None:
                m.use_tool_id(i, "x"); m.set_events(i, m.events.LINE); f(); m.set_events(i, 0); m.free_tool_id(i)
                done += 1
            f()
        print(done >= 5)
        """,
    "callbacks that raise": """
        import sys
        m = sys.monitoring
        free = [i for i in range(6) if m.get_tool(i) is None][0]
        m.use_tool_id(free, "bad")
        def bad(code, line): raise ValueError(line)
        def f():
            x = 1
            return x
        m.register_callback(free, m.events.LINE, bad); m.set_local_events(free, f.__code__, m.events.LINE)
        try: print(f())
        except ValueError as e: print(e)
        m.set_local_events(free, f.__code__, 0); print(f()); m.free_tool_id(free)
        """,
    # Standard streams
    "replaced stdout": """
        import sys, io, contextlib
        class Out:
            def write(self, s): parts.append(s); return len(s)
            def flush(self): parts.append("flush")
        parts = []
        real = sys.stdout
        sys.stdout = Out(); print("a", 1); sys.stdout = real; print(parts)
        with contextlib.redirect_stdout(io.StringIO()) as s: print("inside"); sys.stdout.write("x")
        print(repr(s.getvalue()))
        with contextlib.redirect_stderr(sys.stdout): print("err", file=sys.stderr)
        sys.stdout = io.TextIOWrapper(io.BytesIO(), write_through=True); print("hidden")
        held = sys.stdout.buffer.getvalue(); sys.stdout = real; print(held)
        class Sub(io.StringIO):
            def write(self, s): seen.append(s); return super().write(s.upper())
        seen = []
        sys.stdout = Sub(); print("sub"); v = sys.stdout.getvalue(); sys.stdout = real; print(v, seen)
        del sys.stdout
        try: print("x")
        except RuntimeError as e: real.write(str(e))
        sys.stdout = None; print("nowhere"); sys.stdout = real
        sys.stdout.reconfigure(encoding="ascii", errors="backslashreplace"); print("ü")
        """,
    "closed streams": """
        import sys, os
        sys.stdin.close(); sys.stderr.close()
        print("on")
        def f(): x = [1]; x.append(2); return x
        print(f()); sys.stdout.flush()
        os.close(1); os.close(2)
        try: os.write(1, b"x")
        except OSError as e: os._exit(e.errno)
        """,
    # Places
    "another folder": """
        import os, tempfile
        os.makedirs("sub/deeper"); os.chdir("sub/deeper")
        def f(): x = [os.getcwd()]; return x
        f(); print(os.path.relpath(os.getcwd(), os.path.dirname(os.path.dirname(os.getcwd()))))
        os.rmdir(os.getcwd())
        try: os.getcwd()
        except OSError as e: print(e)
        f2 = lambda: [1]
        f2()
        """,
    # Processes
    "forks": """
        import os, sys, atexit
        atexit.register(lambda: print("atexit", os.getpid() == parent, flush=True))
        parent = os.getpid()
        def work(n):
            t = []
            for i in range(n): t.append(i * i)
            return sum(t)
        for way in range(5):
            sys.stdout.flush()
            pid = os.fork()
            if pid == 0:
                print("child", work(1000), flush=True)
                if way == 0: os._exit(3)
                if way == 1: sys.exit(4)
                if way == 2: raise ValueError("in the child")
                if way == 3:
                    grand = os.fork()
                    if grand == 0: print("grandchild", work(10), flush=True); os._exit(6)
                    print(os.waitstatus_to_exitcode(os.waitpid(grand, 0)[1]), flush=True); os._exit(5)
                os.execvp("sh", ["sh", "-c", "echo exec; exit 7"])
            print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), work(1000), flush=True)
        """,
    "the parent leaves first": """
        import os, time
        r, w = os.pipe()
        if os.fork() == 0:
            os.read(r, 1)
            x = [i for i in range(1000)]
            print("child", len(x), flush=True)
            os._exit(0)
        os.write(w, b"x"); os.wait(); print("parent")
        """,
    "a child that replaces its parent": """
        import os, sys
        def f(n): return [i for i in range(n)]
        pid = os.fork()
        if pid:
            os._exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
        print(len(f(5000)), flush=True)
        sys.exit(12)
        """,
    "fork in a thread": """
        import os, threading, warnings
        warnings.simplefilter("ignore")
        def go(n):
            pid = os.fork()
            if pid == 0:
                x = [i for i in range(100)]
                os._exit(n)
            codes.append(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
        codes = []
        for n in range(5):
            t = threading.Thread(target=go, args=(n,)); t.start(); t.join()
        print(codes)
        """,
    "multiprocessing": """
        import multiprocessing as mp, sys
        def square(x):
            y = x * x
            return y
        if __name__ == "__main__":
            for way in ("fork", "spawn", "forkserver"):
                c = mp.get_context(way)
                with c.Pool(2) as p: print(way, p.map(square, range(6)))
                q = c.Queue(); p = c.Process(target=q.put, args=([1, 2],)); p.start(); print(q.get()); p.join(); print(p.exitcode)
        """,
    "process pools": """
        from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
        def f(x): return [x] * 2
        if __name__ == "__main__":
            with ProcessPoolExecutor(2) as p: print(list(p.map(f, range(4))))
            with ThreadPoolExecutor(4) as p: print(list(p.map(f, range(40)))[-1])
        """,
    "subprocesses": """
        import subprocess, sys, os
        print(subprocess.run([sys.executable, "-c", "import sys; print(sys.argv); sys.exit(3)"], capture_output=True))
        print(os.system("exit 3"), os.popen("echo hi").read())
        p = subprocess.Popen(["cat"], stdin=-1, stdout=-1, preexec_fn=lambda: os.setsid()); print(p.communicate(b"x"))
        print(os.posix_spawn("/bin/true", ["true"], {}) > 0, os.wait()[1])
        """,
    "exec of itself": """
        import os, sys
        x = [1, 2, 3]
        if len(sys.argv) < 3: print("first", flush=True); os.execv(sys.executable, [sys.executable, *sys.argv, "again"])
        print("second", sys.argv)
        """,
    # Signals
    "alarm in a tight loop": """
        import signal
        ticks = []
        def tick(number, frame): ticks.append(frame.f_code.co_name)
        signal.signal(signal.SIGALRM, tick); signal.setitimer(signal.ITIMER_REAL, 0.002, 0.002)
        def loop():
            n = 0
            while len(ticks) < 50: n += 1
            return n > 50
        print(loop()); signal.setitimer(signal.ITIMER_REAL, 0)
        def raising(number, frame): raise TimeoutError("late")
        signal.signal(signal.SIGALRM, raising); signal.setitimer(signal.ITIMER_REAL, 0.01)
        try:
            while True: x = [1]
        except TimeoutError as e: print(e)
        """,
    "signals to itself": """
        import signal, os, faulthandler, sys
        seen = []
        for n in (signal.SIGUSR1, signal.SIGUSR2, signal.SIGTERM, signal.SIGINT):
            signal.signal(n, lambda number, frame: seen.append((number, frame.f_lineno)))
        for n in (10, 12, 15, 2):
            os.kill(os.getpid(), n)
            x = 1
        print(seen, signal.sigpending())
        signal.pthread_sigmask(signal.SIG_BLOCK, [10]); os.kill(os.getpid(), 10); print(signal.sigpending())
        print(signal.sigtimedwait([10], 1).si_signo)
        """,
    # Threads and tasks
    "a hundred threads": """
        import threading
        local = threading.local(); lock = threading.Lock(); done = []
        def work(n):
            local.x = [n]
            for i in range(50): local.x.append(i)
            with lock: done.append((n, sum(local.x)))
        ts = [threading.Thread(target=work, args=(i,)) for i in range(100)]
        [t.start() for t in ts]; [t.join() for t in ts]
        print(sorted(done)[-3:], len(done), hasattr(local, "x"), threading.active_count())
        """,
    "daemon threads at the end": """
        import threading, time
        def spin():
            n = 0
            while True: n += 1; x = [n]
        def sleep():
            while True: time.sleep(0.001)
        for f in (spin, sleep, spin): threading.Thread(target=f, daemon=True).start()
        time.sleep(0.05); print("end")
        """,
    "a thread that outlives main": """
        import threading, time
        def late():
            time.sleep(0.05)
            for i in range(100): x = [i]
            print("late", threading.main_thread().is_alive())
        threading.Thread(target=late).start(); print("main done")
        """,
    "threads that fail": """
        import threading
        def bad(n): x = [n]; x[5]
        threading.excepthook = lambda a: print(a.exc_type.__name__, a.exc_value)
        for i in range(3):
            t = threading.Thread(target=bad, args=(i,)); t.start(); t.join()
        import _thread
        lock = _thread.allocate_lock(); lock.acquire()
        def raw(): x = 1; lock.release()
        _thread.start_new_thread(raw, ()); lock.acquire(); print("raw")
        """,
    "switch interval": """
        import sys, threading
        sys.setswitchinterval(1e-5)
        total = 0
        def add():
            global total
            for i in range(3000): total += 1
        ts = [threading.Thread(target=add) for _ in range(4)]
        [t.start() for t in ts]; [t.join() for t in ts]; print(total <= 12000, sys.getswitchinterval())
        """,
    "a thousand tasks": """
        import asyncio
        async def work(n, q):
            await asyncio.sleep(0)
            for i in range(3): await q.put((n, i)); await asyncio.sleep(0)
            if n % 10 == 0: raise ValueError(n)
            return n
        async def main():
            q = asyncio.Queue()
            rs = await asyncio.gather(*(work(i, q) for i in range(1000)), return_exceptions=True)
            print(sum(isinstance(r, ValueError) for r in rs), q.qsize())
            t = asyncio.create_task(asyncio.sleep(9)); await asyncio.sleep(0); t.cancel()
            try: await t
            except asyncio.CancelledError: print("cancelled")
            async with asyncio.timeout(5), asyncio.TaskGroup() as g: g.create_task(work(1, q))
        asyncio.run(main())
        """,
    "generators dropped": """
        def g(log):
            try:
                x = [1]
                while True: yield x; x.append(2)
            except GeneratorExit: log.append("exit")
            finally: log.append("finally")
        def plain():
            yield 1
            yield 2
        def go():
            log = []
            for i in range(200):
                a = g(log); next(a); next(a)
                b = plain(); next(b)
                c = plain()
                if i % 3 == 0: a.close()
                if i % 3 == 1:
                    try: a.throw(KeyError)
                    except KeyError: pass
                del a, b, c
            return log.count("exit"), log.count("finally")
        print(go())
        it = iter([g([]) for _ in range(3)]); [next(x) for x in it]
        """,
    "generators across threads": """
        import threading
        def g():
            n = 0
            while True:
                n += yield n
        it = g(); next(it); out = []
        def work():
            for i in range(20): out.append(it.send(1))
        for _ in range(5): t = threading.Thread(target=work); t.start(); t.join()
        print(out[-1], len(out))
        """,
    "subinterpreters": """
        import sys
        try: import _interpreters as inter
        except ImportError: import _xxsubinterpreters as inter
        def f(): x = [1]; return x
        for n in range(3):
            i = inter.create(); f()
            inter.run_string(i, "import sys\\nfor k in range(50): x = [k]\\nprint('sub', len(x))\\nsys.stdout.flush()")
            inter.destroy(i); f()
        import os.path; print(os.path.join("a", "b"), f())
        """,
    # Odd code
    "code made and dropped": """
        import os
        def go(name):
            total = 0
            for i in range(3000):
                space = {}
                exec(compile(f"def f(x):\\n    y = [x]\\n    return y\\nq = f({i})[0]", name, "exec"), space)
                total += space["q"]
            return total
        print(go("<made>"), go(__file__), go("/no/such/file.py"))
        """,
    "one code, many globals": """
        code = compile("def f(x):\\n    y = x + 1\\n    return y\\nq = f(1)", __file__, "exec")
        def go(n):
            keep = []
            for i in range(n):
                space = {"__name__": f"m{i}"}; exec(code, space); keep.append(space)
                if i % 2: keep.pop(0)
            return len(keep), sum(s["q"] for s in keep)
        print(go(4000))
        """,
    "classes made and dropped": """
        import gc
        def make(i):
            slots = [("a", "b", "c", "d", "e", "f", "g"), (), None][i % 3]
            return type("A", (), {} if slots is None else {"__slots__": slots})
        def go():
            for i in range(3000):
                c = make(i)
                x = c()
                if i % 3 == 0: x.g = [i]
                if i % 3 == 2: x.z = i
                y = [x]
                del x, c, y
                if i % 50 == 0: gc.collect(0)
        go(); print("done")
        """,
    "classes that change": """
        class A:
            def __init__(self): self.x = [1]
        class B: pass
        class S1: __slots__ = ("p",)
        class S2: __slots__ = ("p",)
        def go():
            a = A(); b = B(); a.__class__ = B; b.__class__ = A; b.x = 2; a.y = 3
            A.__bases__ = (B,); c = A(); c.x.append(2); c.__dict__ = {"z": 1}; del c.z
            s = S1(); s.p = [1]; s.__class__ = S2; s.p.append(2); del s.p
            A.__name__ = "Other"; d = A(); A.extra = 1
            del A.__init__; e = A(); e.q = 1
            return type(a).__name__, vars(b), vars(c), vars(d), vars(e)
        print(go())
        """,
    "large functions": """
        body = "\\n".join(f"    v{i} = x + {i}" for i in range(400))
        exec(compile("def many(x):\\n" + body + "\\n    return v399", __file__, "exec"))
        lines = "\\n".join(f"    x += {i % 7}" for i in range(1500))
        exec(compile("def long(x):\\n" + lines + "\\n    return x", __file__, "exec"))
        args = ", ".join(f"a{i}" for i in range(300))
        exec(compile(f"def wide({args}):\\n    s = a0 + a299\\n    return s", __file__, "exec"))
        exec(compile("def line(x): return [" + ", ".join(["x"] * 50000) + "]", __file__, "exec"))
        cells = "\\n".join(f"    c{i} = [x]" for i in range(200))
        uses = ", ".join(f"c{i}" for i in range(200))
        exec(compile(f"def closure(x):\\n{cells}\\n    def inner():\\n        return [{uses}]\\n    return inner()", __file__, "exec"))
        print(many(1), long(1), wide(*range(300)), len(line(3)), len(closure(1)))
        print([many(i) for i in range(5)], eval("+".join(["1"] * 3000)))
        """,
    "deep recursion": """
        import sys, threading
        sys.setrecursionlimit(60000)
        def down(n, l):
            if n == 0: return 0
            x = [n]
            return 1 + down(n - 1, l)
        print(down(50000, []))
        def up(n):
            if n == 0: raise ValueError("bottom")
            try: up(n - 1)
            finally: seen.append(n)
        seen = []
        try: up(5000)
        except ValueError as e: print(e, len(seen))
        def gen(n):
            if n: yield from gen(n - 1)
            yield n
        print(sum(gen(2000)))
        """,
    "lines far apart": """
        import ast
        tree = ast.parse("def f(x):\\n    a = x\\n    b = [a]\\n    return b\\nr = f(3)")
        for n, node in enumerate(ast.walk(tree)):
            if hasattr(node, "lineno"): node.lineno = node.end_lineno = 20_000_000 - n % 3 if n % 2 else 1
        space = {}
        exec(compile(tree, __file__, "exec"), space); print(space["r"])
        peak = next(l for l in open("/proc/self/status") if l.startswith("VmHWM"))
        print(int(peak.split()[1]) < 200_000)
        """,
    "odd code objects": """
        def f(x):
            a = x
            return [a]
        f.__code__ = f.__code__.replace(co_linetable=b""); print(f(4))
        f.__code__ = f.__code__.replace(co_firstlineno=0, co_filename="", co_name="\\udcff", co_qualname="x" * 10000)
        print(f(5))
        """,
    "code swapped while running": """
        def a(x):
            y = x + 1
            return y
        def b(x):
            z = [x, x]
            w = z + z
            return w
        print(a(1)); a.__code__ = b.__code__; print(a(1)); a.__defaults__ = (3,); print(a())
        import types
        c = types.FunctionType(b.__code__, {"x": 1}); print(c(2))
        """,
    "frames changed from outside": """
        import sys, ctypes
        def f():
            x = [1]
            g(sys._getframe())
            y = x
            return y
        def g(frame):
            frame.f_locals["x"] = [2]
            if sys.version_info < (3, 13):
                ctypes.pythonapi.PyFrame_LocalsToFast(ctypes.py_object(frame), ctypes.c_int(0))
        print(f())
        """,
    "modules of odd kinds": """
        import sys, types
        class M(types.ModuleType):
            def __getattr__(self, name): return name + "!"
        m = sys.modules["odd"] = M("odd"); m.__dict__["x"] = [1]
        import odd
        def f():
            a = odd; b = odd.y; odd.x.append(2); sys.modules[__name__].__class__ = M
            return b, odd.x, globals()["__name__"]
        print(f(), nosuch if False else sys.modules[__name__].nosuch)
        exec("a = 1\\nb = [a]\\ndel a", M("z").__dict__)
        class D(dict):
            def __missing__(self, k): log.append(k); return 7
            def __getitem__(self, k): log.append(k); return dict.__getitem__(self, k) if k in self else 8
            def __setitem__(self, k, v): log.append(k); dict.__setitem__(self, k, v)
        log = []
        exec("q = w\\nr = [q]\\ndef f(): return zz\\n", D(), D()); print(log)
        del __name__, __file__
        def last(): return [1]
        print(last())
        """,
    "import machinery": """
        import sys, importlib, os
        open("mod.py", "w").write("x = [1]\\ndef f(): return x\\n")
        sys.path.insert(0, os.getcwd())
        import mod; mod.f(); open("mod.py", "w").write("x = [1, 2]\\n\\n\\ndef f(): return x, x\\n")
        importlib.invalidate_caches(); os.utime("mod.py", (1, 1)); importlib.reload(mod); print(mod.f(), len(mod.f.__code__.co_code) > 0)
        del sys.modules["mod"]; import mod; print(mod.f())
        class F:
            def find_spec(self, name, path, target=None): names.append(name)
        names = []; sys.meta_path.insert(0, F())
        try: import not_there
        except ImportError as e: print(e, names)
        """,
    "limits of the process": """
        import resource, os
        def f(n):
            l = []
            for i in range(n): l.append((i, str(i)))
            return len(l)
        resource.setrlimit(resource.RLIMIT_FSIZE, (20000, 20000))
        print(f(300000))
        try: open("big", "wb").write(b"x" * 30000)
        except OSError as e: print(e.errno)
        print(os.path.getsize("big"))
        """,
    "no memory for another thread": """
        import os, resource
        def f(n):
            l = []
            for i in range(n):
                l.append((i, str(i)))
                if len(l) > 100: l.clear()
            return n
        pid = os.fork()
        if pid == 0: os._exit(0)
        os.waitpid(pid, 0)
        pages = int(open("/proc/self/statm").read().split()[0])
        resource.setrlimit(resource.RLIMIT_AS, (pages * 4096 + (4 << 20),) * 2)
        print(f(300000))
        """,
    "few descriptors": """
        import resource, os
        resource.setrlimit(resource.RLIMIT_NOFILE, (10, 10))
        def f(n): return len([(i, str(i)) for i in range(n)])
        print(f(200000))
        fs = []
        try:
            while True: fs.append(open(__file__))
        except OSError as e: print(e.errno, len(fs))
        """,
}
if importlib.util.find_spec("greenlet"):
    PROGRAMS["greenlets"] = """
        import greenlet
        def work(n):
            x = [n]
            for i in range(5):
                x.append(main.switch(i))
            return deep(n)
        def deep(n):
            y = {n: n}
            main.switch(-n)
            return y
        def go():
            gs = [greenlet.greenlet(work) for _ in range(20)]
            out = [g.switch(n) for n, g in enumerate(gs)]
            while any(not g.dead for g in gs):
                for g in gs:
                    if not g.dead: out.append(g.switch("x"))
            h = greenlet.greenlet(work); h.switch(1)
            try: h.throw(ValueError("thrown"))
            except ValueError as e: out.append(str(e))
            k = greenlet.greenlet(work); k.switch(1); del k
            return out
        main = greenlet.getcurrent()
        print(go())
        """
if importlib.util.find_spec("numpy"):
    PROGRAMS["numpy"] = """
        import numpy as np
        def go():
            a = np.arange(10); b = a[::2]; c = np.zeros((3, 4)); d = a.astype("f4"); e = np.array(["x", "yy"])
            f = np.array([object(), None], dtype=object); g = np.ma.masked_array(a, a > 5); h = np.float64(1.5)
            r = np.array([(1, 2.0)], dtype=[("a", "i4"), ("b", "f8")]); s = c.T; z = np.zeros((0, 3)); q = np.array(5)
            m = np.memmap("mapped", dtype="u1", mode="w+", shape=(100,)); m[3] = 4
            for i in range(5): a[i] = i * i; b[0] += 1; s[0, 0] = i
            big = np.zeros(10 ** 6); big[5] = 1
            c.flags.writeable = False; y = np.broadcast_to(q, (1000, 1000)); x = r["a"]
            del m
            return a.sum(), b.tolist(), c.shape, float(h), x.tolist(), y.strides
        print(go())
        """


# The recorder's descriptor goes away, or becomes the program's: it takes another, and nobody is hurt.
DESCRIPTORS = {
    "all descriptors closed": """
        import os
        def f(n):
            l = []
            for i in range(n): l.append(i)
            return l
        f(10)
        os.closerange(3, 1000)
        f(200000)
        files = [open(f"file{i}", "w") for i in range(260)]
        for i, x in enumerate(files): x.write(str(i) * 3)
        f(100000)
        print([x.fileno() for x in files][:5])
        for x in files: x.close()
        print("ok")
        """,
    "descriptors replaced": """
        import os
        def f(n):
            for i in range(n): j = str(i)
            return j
        fd = os.open("mine", os.O_RDWR | os.O_CREAT)
        for n in range(190, 220): os.dup2(fd, n)
        f(200000); os.write(fd, b"mine"); f(100000)
        print(os.path.getsize("mine"), flush=True)
        def is_open(n):
            try: return os.fstat(n).st_size
            except OSError: return None
        if os.fork() == 0:
            print([is_open(n) for n in range(190, 220)], flush=True)
            os._exit(0)
        os.wait()
        print([is_open(n) for n in range(190, 220)])
        """,
}


@pytest.mark.parametrize("name", DESCRIPTORS)
def test_descriptors_that_go_away(sides, name):
    sides.write(textwrap.dedent(DESCRIPTORS[name]))
    plain = sides.plain("program.py")
    recorded = sides.recorded("program.py")
    assert (recorded.status, recorded.out) == (plain.status, plain.out)
    assert recorded.files == plain.files
    assert recorded.err == plain.err
    sides.verify()
    last_line = textwrap.dedent(DESCRIPTORS[name]).splitlines()[-1]
    assert last_line in sides.printed("--steps")


@pytest.mark.parametrize("name", PROGRAMS)
def test_the_program_runs_the_same(sides, name):
    if SANITIZED and name == "greenlets":
        pytest.skip("a sanitizer that was preloaded does not know C++'s exceptions")
    sides.compare(textwrap.dedent(PROGRAMS[name]), variables={"PYTHONHASHSEED": "7"})


@pytest.mark.skipif(not importlib.util.find_spec("coverage"), reason="coverage is not installed")
@pytest.mark.parametrize("core", ["ctrace", "pytrace", "sysmon"])
def test_coverage_measures_the_same(sides, core):
    sides.write(
        "def f(n):\n    if n:\n        return [n]\n    else:\n        return 0\n\nx = f(1)\n",
        "app.py",
    )
    program = """
        import coverage, json
        c = coverage.Coverage(data_file=None, branch=True, include="app.py"); c.start()
        import app
        for i in range(10): app.f(i % 2)
        c.stop()
        d = c.get_data()
        print(sorted(d.arcs([f for f in d.measured_files() if f.endswith("app.py")][0])), d.measured_files() != set())
        """
    sides.compare(textwrap.dedent(program), variables={"COVERAGE_CORE": core})


@pytest.mark.skipif(not importlib.util.find_spec("coverage"), reason="coverage is not installed")
@pytest.mark.parametrize("core", ["ctrace", "sysmon"])
def test_coverage_runs_the_program(sides, core):
    sides.write(
        "def f(n):\n    if n:\n        return [n]\n    return 0\n\nfor i in range(3): f(i)\nprint('ran')\n",
        "app.py",
    )
    words = ["-m", "coverage", "run", "--data-file=data", "app.py"]
    plain = sides.plain(*words, variables={"COVERAGE_CORE": core})
    recorded = sides.recorded(*words, variables={"COVERAGE_CORE": core})
    assert (recorded.status, recorded.out, recorded.err) == (plain.status, plain.out, plain.err)
    sides.verify()
    assert "return [n]" in sides.printed()


ALL_TAKEN = """
import sys
for i in range(6): sys.monitoring.use_tool_id(i, f"tool {{i}}")
import codetracer_python_recorder as recorder
try: recorder.start({place!r}, format="json")
except Exception as error: print(type(error).__name__, error)
print(recorder.is_tracing(), [sys.monitoring.get_tool(i) for i in range(6)])
"""


# As modules made by Cython do it: events of code that is no frame's, from functions written in C.
FOREIGN = """
    import ctypes

    class State(ctypes.Structure):
        _fields_ = [("active", ctypes.c_uint8), ("opaque", ctypes.c_uint8)]

    def many():
        a = b = c = d = e = f = g = h = i = j = k = l = m = n = o = p = 1

    def caller(first, second):
        state = State(1 << 5, 0)  # the recorder takes tool 5
        code = ctypes.py_object(many.__code__)
        for fire in "_PyMonitoring_FirePyStartEvent", "_PyMonitoring_FirePyResumeEvent":
            getattr(ctypes.pythonapi, fire)(ctypes.byref(state), code, ctypes.c_int32(0))
        ctypes.pythonapi._PyMonitoring_FireLineEvent(ctypes.byref(state), code, ctypes.c_int32(0), ctypes.c_int(7))
        for fire in "_PyMonitoring_FirePyYieldEvent", "_PyMonitoring_FirePyReturnEvent":
            getattr(ctypes.pythonapi, fire)(ctypes.byref(state), code, ctypes.c_int32(0), ctypes.py_object(first))
        return first, second

    print(caller(1, "two"))
    """


@pytest.mark.skipif(sys.version_info < (3, 13), reason="from 3.13 on C code may report events")
def test_events_of_code_no_frame_runs_are_not_the_callers(sides):
    sides.compare(textwrap.dedent(FOREIGN))
    printed = sides.printed("--format", "json", "--function", "*").splitlines()
    rows = [json.loads(line) for line in printed]
    assert {row.get("function") for row in rows} == {"<module>", "State", "caller"}
    assert not any(row.get("line") == 7 and row["function"] == "many" for row in rows)
    (ending,) = (row for row in rows if row["event"] == "return" and row["function"] == "caller")
    assert ending["value"]["repr"] == "(1, 'two')"


def test_no_tool_number_is_free(sides, tmp_path):
    sides.write(ALL_TAKEN.format(place=str(tmp_path / "place")))
    done = sides.plain("program.py")
    assert done.status == 0, done
    assert "no tool number of sys.monitoring is free" in done.out
    assert f"False {[f'tool {i}' for i in range(6)]}" in done.out
    assert not (tmp_path / "place" / "trace.ctr").exists()
    assert not (tmp_path / "place" / "trace.ctr.tail").exists()


def test_the_children_of_a_fork_are_noted(sides):
    sides.compare(
        "import os\n"
        "for i in range(3):\n"
        "    pid = os.fork()\n"
        "    if pid == 0:\n"
        "        x = [i]\n"
        "        os._exit(0)\n"
        "    os.waitpid(pid, 0)\n"
    )
    assert re.search("^forks +3$", sides.printed("--summary"), re.M)
    assert sys.platform == "linux"

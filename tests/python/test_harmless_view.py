"""What a recorded program sees of its world is what plain Python shows it.

Each program prints what it sees; it runs plainly and recorded, in the same place, and standard
output, standard error, exit status and files must be the same.
"""

# ruff: noqa: E501 (the programs are data: their lines are as long as what they try)

import os
import re
import textwrap

import pytest
from sanitizer import SANITIZED
from side_by_side import SideBySide, cases


@pytest.fixture
def sides(ct, python, tmp_path):
    return SideBySide(ct, python, tmp_path)


VIEW = {
    "sys": """
        import sys, os
        print(sys.argv, sys.path[0] == os.getcwd(), sys.path[1:], sys.orig_argv[1:])
        print(sys.flags, sys.warnoptions, sys._xoptions, sys.executable, sys.prefix)
        print(sys.gettrace(), sys.getprofile(), sys.getswitchinterval(), sys.getrecursionlimit())
        print(sys.meta_path, sys.path_hooks, sorted(sys.path_importer_cache) != [])
        print(sys.dont_write_bytecode, sys.pycache_prefix, sys.is_finalizing(), sys.getdlopenflags())
        print(sys.excepthook is sys.__excepthook__, sys.displayhook is sys.__displayhook__)
        print(sys.unraisablehook is sys.__unraisablehook__, sys.stdout is sys.__stdout__)
        print(sys.get_asyncgen_hooks(), sys.get_coroutine_origin_tracking_depth())
        """,
    "modules": """
        import sys
        print(list(sys.modules))
        print([n for n in sys.modules if "codetracer" in n.lower()])
        """,
    "main": """
        import sys
        main = sys.modules["__main__"]
        print(list(vars(main)), __name__, __file__, __doc__, __package__, __spec__, __cached__)
        print(type(__loader__).__name__, __loader__.path, __builtins__.__name__, __annotations__)
        print(main.__dict__ is globals(), dir() == sorted(globals()))
        """,
    "environment": """
        import os
        print(list(os.environ.items()))
        print(open("/proc/self/environ", "rb").read().split(b"\\0")[0] != b"")
        print([k for k in os.environ if "CODETRACER" in k], os.getcwd(), os.umask(0o22))
        """,
    "children's environment": """
        import subprocess, sys
        print(subprocess.run(["env"], capture_output=True, text=True).stdout)
        code = "import os, sys; print(list(os.environ), list(sys.modules))"
        print(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout)
        """,
    "process": """
        import os, signal, resource
        lines = open("/proc/self/status").read().splitlines()
        keep = ("SigBlk", "SigIgn", "SigPnd", "ShdPnd", "Uid", "NoNewPrivs", "Seccomp")
        # Signals 32 and 33 are libc's own: whoever starts a process may have left them ignored.
        own = ~(3 << 31)
        shown = [line.split(None, 1) for line in lines if line.startswith(keep)]
        print([(n, int(v, 16) & own) if n.startswith(("Sig", "Shd")) else (n, v) for n, v in shown])
        print([signal.getsignal(n) for n in range(1, 32) if n not in (9, 19)])
        print(signal.pthread_sigmask(signal.SIG_BLOCK, []), signal.getitimer(signal.ITIMER_REAL))
        print([resource.getrlimit(n) for n in range(16)])
        print(os.getsid(0) == os.getsid(os.getppid()))
        print(os.getpriority(os.PRIO_PROCESS, 0), os.sched_getaffinity(0))
        print(open("/proc/self/comm").read(), open("/proc/self/oom_score_adj").read())
        """,
    "descriptors": """
        import os
        names = sorted(int(n) for n in os.listdir("/proc/self/fd"))
        print([n for n in names if n < 100])
        f = open(__file__); print(f.fileno()); g = os.dup(0); print(g); print(os.pipe())
        import tempfile; t = tempfile.TemporaryFile(); print(t.fileno())
        """,
    "frames": """
        import inspect, sys, traceback
        def chain():
            f = sys._getframe()
            while f:
                print(f.f_code.co_name, f.f_lineno, f.f_lasti, f.f_trace, f.f_trace_lines,
                      f.f_trace_opcodes, sorted(f.f_locals) if f.f_code.co_name != "<module>" else 0)
                f = f.f_back
        def inner(a, b=2):
            chain()
            print([(i.function, i.lineno, i.code_context) for i in inspect.stack()])
            traceback.print_stack()
            print(len(sys._current_frames()), list(sys._current_exceptions().values()))
            return [inspect.currentframe().f_back.f_lineno, inspect.getframeinfo(sys._getframe())]
        class C:
            print(inner(1)[0])
        print((lambda: inner(3)[0])(), [inner(i)[0] for i in range(1)])
        """,
    "code": """
        import dis, io, sys, marshal, hashlib
        def f(x):
            for i in range(x):
                if i: x += i
            return x
        f(3)
        print(hashlib.sha1(f.__code__.co_code).hexdigest(), list(f.__code__.co_lines()))
        print(list(f.__code__.co_positions()), f.__code__.co_exceptiontable)
        print(f.__code__ == f.__code__.replace(), hash(f.__code__) == hash(f.__code__.replace()))
        out = io.StringIO(); dis.dis(f, file=out); print(out.getvalue())
        print(marshal.dumps(f.__code__.replace()) == marshal.dumps(f.__code__.replace()))
        """,
    "threads": """
        import threading, os
        print([t.name for t in threading.enumerate()], threading.active_count())
        print(threading.current_thread().ident == threading.get_ident(), threading.stack_size())
        print(threading.gettrace(), threading.getprofile())
        """,
    "warnings": """
        import warnings, os
        print(warnings.filters)
        def old():
            warnings.warn("old", DeprecationWarning, stacklevel=2)
            warnings.warn("user")
            "a" is 1
        old(); old()
        print(globals().get("__warningregistry__", {}).keys())
        class R:
            def __del__(self): open(__file__)
        x = open(__file__); del x
        r = R(); del r
        """,
    "warnings of forks": """
        import os, threading, warnings
        warnings.simplefilter("always")
        def child():
            pid = os.fork()
            if pid == 0: os._exit(3)
            print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), threading.active_count())
        for i in range(5):
            child()
            s = sum(range(1000))
        pid, fd = os.forkpty()
        if pid == 0: os._exit(0)
        print(os.waitpid(pid, 0)[1])
        """,
    "random": """
        import random, secrets, uuid, hashlib
        random.seed(5)
        def draw(n):
            total = []
            for i in range(n):
                total.append(random.random())
            return total
        print(draw(20), random.getstate()[1][:4], hash((1, 2.5, None is None)), hash("a") == hash("a"))
        """,
    "hashes": """
        import os
        print(hash("text"), hash(b"bytes"), {"a", "b", "c", "d"}, hash(("x", 1)), os.environ["PYTHONHASHSEED"])
        """,
    "locale": """
        import locale, sys, codecs, time
        print(locale.getlocale(), locale.setlocale(locale.LC_ALL), locale.localeconv()["decimal_point"])
        print(sys.getfilesystemencoding(), sys.stdout.encoding, sys.stdout.errors, locale.getencoding())
        print(locale.setlocale(locale.LC_ALL, "C"), time.tzname)
        print(sys.stdout.line_buffering, sys.stdout.write_through, sys.stderr.errors, sys.stdin.encoding)
        """,
    "recursion depth": """
        import sys
        def depth(n=0):
            try: return depth(n + 1)
            except RecursionError: return n
        def plain(n):
            global deepest
            deepest = n
            plain(n + 1)
        print(depth())
        try: plain(0)
        except RecursionError as e: print(deepest, e)
        sys.setrecursionlimit(300)
        print(depth())
        class R:
            def __getattr__(self, name): return getattr(self, name + "x")
            def __repr__(self): return repr(self)
            def __eq__(self, o): return self == o
        for f in (repr, lambda r: r.x, lambda r: r == 1):
            try: f(R())
            except RecursionError as e: print(str(e)[:32])
        l = []; l.append(l); print(l, repr(l))
        """,
    "errno": """
        import ctypes, os
        libc = ctypes.CDLL(None, use_errno=True)
        def go():
            seen = set()
            for i in range(3000):
                ctypes.set_errno(77)
                x = [i] * 10
                libc.close(-1) if i % 2 else None
                y = {i: x}
                seen.add(ctypes.get_errno())
            return seen
        print(go())
        def raw():
            where = ctypes.CDLL(None).__errno_location
            where.restype = ctypes.POINTER(ctypes.c_int)
            try: os.stat("/no/such")
            except OSError as e: print(e.errno, e)
        raw()
        """,
    "monitoring": """
        import sys
        m = sys.monitoring
        free = [i for i in range(6) if m.get_tool(i) is None]
        print(len(free) >= 5, m.get_tool(m.COVERAGE_ID), m.get_tool(m.DEBUGGER_ID) is None)
        """,
    "exit functions": """
        import atexit
        @atexit.register
        def last(): print("last")
        @atexit.register
        def first(): print("first"); atexit.register(lambda: print("added"))
        atexit.unregister(print)
        """,
    "exit functions counted": """
        import atexit
        print(atexit._ncallbacks())
        """,
    "exit functions run early": """
        import atexit
        atexit.register(print, "early")
        atexit._run_exitfuncs()
        x = [1]
        x.append(2)
        print(x)
        """,
    "teardown": """
        import sys, weakref, threading, atexit
        class D:
            def __init__(self, name): self.name = name
            def __del__(self, print=print, sys=sys):
                print("del", self.name, sys.is_finalizing(), sys.modules is not None and len(sys.modules) > 5)
        a = D("a"); b = D("b"); c = D("c"); c.me = c
        _private = D("_private")
        sys.keep = D("sys")
        threading.keep = D("threading")
        weakref.finalize(a, print, "finalize a")
        atexit.register(print, "atexit")
        def g():
            try: yield 1
            finally: print("generator closed")
        gen = g(); next(gen)
        """,
    "excepthook": """
        import sys, threading
        def hook(t, e, tb): print("hook", t.__name__, e, tb.tb_lineno, sys.exc_info())
        sys.excepthook = hook
        def th(args): print("thread hook", args.exc_type.__name__)
        threading.excepthook = th
        def un(args): print("unraisable", args.exc_type.__name__, args.err_msg, args.object is not None)
        sys.unraisablehook = un
        t = threading.Thread(target=lambda: 1 / 0); t.start(); t.join()
        class D:
            def __del__(self): raise ValueError("in del")
        d = D(); del d
        raise KeyError("end")
        """,
    "tracebacks": """
        import traceback, sys
        def a(n): return b(n) + 1
        def b(n):
            try: return c(n)
            except ValueError as e: raise KeyError("from b") from e
        def c(n):
            try: 1 / 0
            except ZeroDivisionError: raise ValueError("in c", n)
        try: a(1)
        except KeyError: traceback.print_exc(); sys.stderr.flush(); print(sys.exc_info()[1])
        e = None
        try: a(2)
        except KeyError as x: e = x
        t = e.__traceback__; out = []
        while t: out.append((t.tb_lineno, t.tb_lasti, t.tb_frame.f_code.co_name)); t = t.tb_next
        print(out, e.__context__ is e.__cause__, e.__suppress_context__)
        e.add_note("a note")
        raise ExceptionGroup("group", [e, ValueError(1)])
        """,
    "monkeypatched builtins": """
        import builtins, sys
        real = builtins.print
        builtins.isinstance = lambda *a: 1 / 0
        builtins.len = lambda *a: 1 / 0
        builtins.__import__, saved = (lambda *a, **k: 1 / 0), builtins.__import__
        def f(x):
            y = [x] * 3
            return y
        real(f(2))
        builtins.__import__ = saved
        sys.settrace
        """,
    "audit": """
        import sys
        events = []
        sys.addaudithook(lambda name, args: events.append(name))
        def f(x):
            y = x + 1
            z = [y]
            return z
        for i in range(50): f(i)
        g = (i for i in range(3)); list(g)
        code = compile("q = 1", "<x>", "exec"); exec(code)
        print(events)
        """,
    # Which address a first object gets depends on what the process did before. That all that come
    # after it get the same few shows that nobody keeps them.
    "memory addresses": """
        class A: pass
        def go(make):
            places = set()
            for number in range(100):
                thing = make(number)
                places.add(id(thing))
                del thing
            return len(places) < 50
        print(go(lambda number: A()), go(lambda number: [number]), go(lambda number: {number: 1}))
        print(go(lambda number: "ab" + str(number)), go(lambda number: 1.5 * number))
        print(go(lambda number: (number, A())), go(lambda number: 10**30 + number))
        """,
    "standard streams": """
        import sys, os
        print(sys.stdout, sys.stderr, sys.stdin, type(sys.stdout), sys.stdout.write.__name__)
        print(sys.stdout.write("x\\n"), sys.stdout.buffer.write(b"y\\n"), sys.stdout.write.__self__ is sys.stdout)
        sys.stdout.writelines(["a\\n", "b\\n"]); print("c", file=sys.stderr)
        try: sys.stdout.write(1)
        except TypeError as e: print(e)
        try: sys.stdout.write()
        except TypeError as e: print(e)
        try: sys.stdout.write("a", "b")
        except TypeError as e: print(e)
        try: type(sys.stdout).write(3, "x")
        except TypeError as e: print(e)
        import io
        s = io.StringIO(); print(s.write("abc"), s.getvalue(), io.StringIO.write, io.TextIOWrapper.write)
        try: s.write(b"")
        except TypeError as e: print(e)
        os.write(1, b"raw\\n")
        print(sys.stdin.read())
        """,
}


BUGS = {
    "exit functions counted": "the recorder's own exit function is in atexit's list",
}


@pytest.mark.parametrize("name", cases(VIEW, BUGS))
def test_the_program_sees_the_same(sides, name):
    if SANITIZED and name == "memory addresses":
        pytest.skip("a sanitizer does not give an address again at once")
    program = textwrap.dedent(VIEW[name])
    sides.compare(program, "an argument", "-x", variables={"PYTHONHASHSEED": "7"})


EXITS = {
    "falls off the end": "x = 1",
    "exit 3": "raise SystemExit(3)",
    "sys.exit none": "import sys; sys.exit()",
    "sys.exit text": "import sys; sys.exit('a message')",
    "sys.exit big": "import sys; sys.exit(2**70)",
    "sys.exit negative": "import sys; sys.exit(-1)",
    "sys.exit true": "import sys; sys.exit(True)",
    "sys.exit tuple": "import sys; sys.exit((1, 2))",
    "sys.exit object": "class E:\n def __str__(self): return 'told'\nraise SystemExit(E())",
    "exit builtin": "exit(4)",
    "quit builtin": "quit('bye')",
    "os._exit": "import os; print('x', flush=True); os._exit(9)",
    "exception": "def f(): 1 / 0\nf()",
    "keyboard interrupt": "raise KeyboardInterrupt",
    "own base exception": "class B(BaseException): pass\nraise B('b')",
    "syntax error": "def f(:\n  pass",
    "null byte": "x = 1\0",
    "bad encoding": "# -*- coding: no-such -*-\nx = 1",
    "tab error": "if 1:\n        x = 1\n\ty = 2",
    "exit in atexit": "import atexit, sys\natexit.register(sys.exit, 5)",
    "exception in atexit": "import atexit\natexit.register(lambda: 1 / 0)",
    "exit in thread": "import threading, sys\nt = threading.Thread(target=sys.exit, args=(3,))\n"
    "t.start(); t.join(); print('on')",
    "abort": "import os; os.abort()",
    "segfault": "import ctypes; ctypes.string_at(1)",
    "killed": "import os; os.kill(os.getpid(), 9)",
    "terminated": "import os, signal; os.kill(os.getpid(), signal.SIGTERM)",
    "interrupted": "import os, signal; os.kill(os.getpid(), signal.SIGINT); x = 1; y = 2",
    "broken pipe": "import os, signal; signal.signal(signal.SIGPIPE, signal.SIG_DFL)\n"
    "r, w = os.pipe(); os.close(r); os.write(w, b'x')",
    "memory error": "x = bytearray(2**62)",
    "recursion error": "def f(): f()\nf()",
    "unclosed output": "import sys; sys.stdout.write('no newline')",
    "error while flushing": "import sys, os; print('x'); os.close(1)",
    "stdout is gone": "import sys; sys.stdout.close(); sys.stdout = None; print('x')",
    "nested exit": "try:\n  raise SystemExit(1)\nfinally:\n  raise SystemExit(2)",
    "exit in generator": "def g():\n  yield 1\n  raise SystemExit(6)\nfor x in g(): pass",
    "exit with cause": "try: 1/0\nexcept Exception as e: raise SystemExit('m') from e",
    "raise in del": "class D:\n def __del__(self): 1/0\nd = D(); del d; print('on')",
    "faulthandler": "import faulthandler, os, signal; faulthandler.enable()\n"
    "def f(): os.kill(os.getpid(), signal.SIGSEGV)\nf()",
}


@pytest.mark.parametrize("name", EXITS)
def test_the_program_ends_the_same(sides, name):
    # A process that is killed cannot finish its trace: ct does it.
    sides.compare(EXITS[name])


@pytest.mark.parametrize("words", [["."], ["-m", "missing"], ["-m", "json.tool"]])
def test_what_cannot_run_fails_as_python_says_it(sides, words):
    assert str(sides.recorded(*words)) == str(sides.plain(*words))


def test_a_script_from_standard_input(sides):
    path = sides.write("import sys\nx = [1]\nx.append(2)\nprint(x, sys.argv, __name__)\n")
    with path.open() as first, path.open() as second:
        plain = sides.plain("-", "a", stdin=first)
        recorded = sides.recorded("-", "a", stdin=second)
    assert str(recorded) == str(plain)
    sides.verify()
    assert '"event":"line"' in sides.printed("--format", "json")


@pytest.mark.parametrize(
    "name", ["ünï çödé.py", "a b'c\"d.py", "x\udcff.py", "no_suffix", "-dash.py"]
)
def test_odd_names(sides, name):
    path = os.path.join(os.fsencode(sides.work), os.fsencode(name))
    with open(path, "w") as file:
        file.write("import sys\nprint(ascii(sys.argv), ascii(__file__))\n1 / 0\n")
    words = ["--", name] if name.startswith("-") else [name]
    plain = sides.plain("./" + name if name.startswith("-") else name, "\udcfe")
    recorded = sides.recorded(*words, "\udcfe")
    assert recorded.out.replace("./", "") == plain.out.replace("./", "")
    assert (recorded.status, recorded.err.replace("./", "")) == (1, plain.err.replace("./", ""))
    sides.verify()


@pytest.mark.parametrize("early", ["atexit._run_exitfuncs()", "atexit._clear()"])
def test_exit_functions_run_early_do_not_end_the_recording(sides, early):
    sides.compare(f"""
import atexit
atexit.register(print, "early")
{early}
x = [1]
x.append(2)
print(x)
class Last:
    def __del__(self): print("deleted")
last = Last()
""")
    assert "x.append(2)" in sides.printed()
    assert re.search(r"^complete +yes$", sides.printed("--summary"), re.M)


def test_a_folder_named_as_the_recorder_is_recorded(sides):
    path = sides.write("x = [1]\nx.append(2)\n", "codetracer_python_recorder/program.py")
    assert sides.recorded(path).status == 0
    assert "x.append(2)" in sides.printed()

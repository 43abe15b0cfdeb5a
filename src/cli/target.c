#include "cli/target.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/process.h"
#include "cli/message.h"

/* One "--" directly after the program is dropped, unless one stood before it. */
static void drop_separator(struct target *target, bool had_separator)
{
    if (!had_separator && target->argc != 0 && strcmp(target->args[0], "--") == 0) {
        target->args++;
        target->argc--;
    }
}

/* "-- -m MODULE" says the same as "-m MODULE". */
static bool take_flag_after_separator(const struct cli_operands *operands, struct target *target)
{
    const char *first = operands->items[0];
    bool is_module = strcmp(first, "-m") == 0;
    if (operands->count < 2 || (!is_module && strcmp(first, "-c") != 0)) {
        return false;
    }
    target->kind = is_module ? CT_START_MODULE : CT_START_CODE;
    target->program = operands->items[1];
    target->args = operands->items + 2;
    target->argc = operands->count - 2;
    return true;
}

bool target_choose(const char *module, const char *code, const struct cli_operands *operands,
                   struct target *target)
{
    bool had_separator = operands->is_after_separator;
    *target = (struct target){.args = operands->items, .argc = operands->count};
    if (module != NULL || code != NULL) {
        target->kind = module != NULL ? CT_START_MODULE : CT_START_CODE;
        target->program = (char *)(module != NULL ? module : code);
    } else if (operands->count == 0) {
        return false;
    } else if (!had_separator || !take_flag_after_separator(operands, target)) {
        target->kind = CT_START_SCRIPT;
        target->program = operands->items[0];
        target->args++;
        target->argc--;
    }
    drop_separator(target, had_separator);
    return true;
}

static bool is_native_binary(const char *path)
{
    char magic[4];
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    bool is_native = fd >= 0 && read(fd, magic, sizeof magic) == sizeof magic &&
                     memcmp(magic, "\177ELF", sizeof magic) == 0;
    if (fd >= 0) {
        close(fd);
    }
    return is_native;
}

/* The language another recorder would be needed for, going by the file's ending; NULL: none. */
static const char *other_language(const char *path)
{
    static const struct {
        const char *ending;
        const char *language;
    } others[] = {
        {".rb", "Ruby"},  {".js", "JavaScript"}, {".mjs", "JavaScript"}, {".ts", "TypeScript"},
        {".php", "PHP"},  {".ex", "Elixir"},     {".exs", "Elixir"},     {".erl", "Erlang"},
        {".sh", "shell"}, {".bash", "shell"},    {".zsh", "shell"},      {".rs", "Rust"},
        {".go", "Go"},    {".c", "C"},           {".cpp", "C++"},        {".java", "Java"},
        {".nr", "Noir"},  {".sol", "Solidity"},  {".lua", "Lua"},        {".pl", "Perl"},
    };
    const char *ending = strrchr(path, '.');
    for (size_t i = 0; ending != NULL && i < sizeof others / sizeof others[0]; i++) {
        if (strcmp(others[i].ending, ending) == 0) {
            return others[i].language;
        }
    }
    return is_native_binary(path) ? "machine code" : NULL;
}

/* In Python's words and with its status: the working directory in front, nothing normalised. */
static void complain_unopened(const char *program, int reason)
{
    char *folder = program[0] == '/' ? NULL : getcwd(NULL, 0);
    char *path = folder == NULL ? NULL : ct_path_join(folder, program);
    cli_error("can't open file '%s': [Errno %d] %s", path != NULL ? path : program, reason,
              strerror(reason));
    free(path);
    free(folder);
}

static void help_find(const char *program)
{
    const char *path = getenv("PATH");
    char *found = strchr(program, '/') == NULL ? ct_find_program(program, path) : NULL;
    if (found == NULL) {
        cli_help("give the path of a Python file, or a module with `ct record -m MODULE`");
    } else if (is_native_binary(found)) {
        cli_help("'%s' is not a Python file; give the Python file itself: `ct record FILE ...`",
                 found);
    } else {
        cli_help("did you mean `ct record %s`?", found);
    }
    free(found);
}

int target_check(const struct target *target, bool is_surely_python)
{
    const char *program = target->program;
    /* Python runs '' as the working directory. */
    if (target->kind != CT_START_SCRIPT || strcmp(program, "-") == 0 || program[0] == '\0') {
        return CLI_OK;
    }
    struct stat about;
    bool exists = stat(program, &about) == 0;
    if (!exists || (S_ISREG(about.st_mode) && access(program, R_OK) != 0)) {
        complain_unopened(program, errno);
        if (!exists) {
            help_find(program);
        }
        return CLI_USAGE;
    }
    const char *language = S_ISREG(about.st_mode) ? other_language(program) : NULL;
    if (language != NULL && !is_surely_python) {
        cli_error("'%s' looks like %s, and ct records Python only", program, language);
        cli_help("if it is Python all the same, say so: `ct record --lang python ...`");
        return CLI_FAILED;
    }
    return CLI_OK;
}

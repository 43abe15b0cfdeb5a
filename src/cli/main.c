/* `ct`: finds the command and lets it run. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/command.h"

/* Occupy the standard descriptors that are closed, or the next file opened would become, say,
 * standard error. O_PATH keeps them as useless as closed ones, and a recorded program finds them
 * closed, as it should. */
static void hold_standard_descriptors(void)
{
    int fd;
    do {
        fd = open("/dev/null", O_PATH | O_CLOEXEC);
    } while (fd >= 0 && fd <= STDERR_FILENO);
    if (fd >= 0) {
        close(fd);
    }
}

static int run(int argc, char **argv)
{
    if (argc < 2) {
        cli_print_overview();
        return CLI_OK;
    }
    const char *name = argv[1];
    if (strcmp(name, "--version") == 0 || strcmp(name, "-V") == 0) {
        name = "version";
    } else if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0) {
        name = "help";
    }
    if (name[0] == '-') {
        cli_error("unknown option '%s' before the command", name);
        cli_help("options stand after the command's name: see `ct help`");
        return CLI_USAGE;
    }
    const struct cli_command *command = cli_command_find(name);
    return command == NULL ? cli_command_unknown(name)
                           : cli_command_perform(command, argc - 2, argv + 2);
}

int main(int argc, char **argv)
{
    hold_standard_descriptors();
    int status = run(argc, argv);
    /* Standard output is buffered: only now is it known whether it took everything. */
    if (fflush(stdout) != 0 || ferror(stdout)) {
        cli_error("cannot write to standard output: %s", strerror(errno));
        return status == CLI_OK ? CLI_FAILED : status;
    }
    return status;
}

# The names that users of just look for; each is a target of the Makefile.

bench *ARGS:
    make bench ARGS='{{ARGS}}'

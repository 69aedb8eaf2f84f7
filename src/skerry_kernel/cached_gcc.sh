#!/bin/sh
# gcc with the compiler's cache. That doesn't see what assembler takes in whole (.incbin: the key of modules, code for real
# mode, the packed kernel) and would answer with an object that holds an older one: nothing of assembler is kept.
case " $* " in
*.S\ *) exec gcc "$@" ;;
esac
exec ccache gcc "$@"

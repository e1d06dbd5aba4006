#!/bin/sh
# Image → bootable qcow2, ours beside the chain of Debian's tools. usage: bench/disk.sh oci:DIR[:TAG] [options]; see disk.ts
exec "$(dirname "$0")/../node_modules/.bin/node" "$(dirname "$0")/disk.ts" "$@"

#!/bin/sh
# Runs build.ts on the clone's Node 24; see there.
exec "$(dirname "$0")/../node_modules/.bin/node" "$(dirname "$0")/build.ts" "$@"

#!/usr/bin/env node
// The published program's front door. Any Node.js can read this file; older ones are told what to do.
var major = Number(/^v?(\d+)/.exec(process.version)[1]);
if (major < 24) {
  console.error("cannot start slipway: it needs Node.js 24 or newer, found " + process.version);
  console.error(
    "hint: install Node.js 24 or newer from your distribution or https://nodejs.org, then run slipway again",
  );
  process.exit(69);
}
require("./start.cjs");

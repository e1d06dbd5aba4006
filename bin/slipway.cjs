#!/usr/bin/env node
/**
 * `npx slipway …` in a clone: runs the built program when it is newer than every source file, else the sources
 * themselves (Node 24 strips their types), on the clone's own Node 24 when npx brought an older one.
 * The published package has another file here: see scripts/published/.
 */
"use strict";
var fs = require("fs");
var path = require("path");
var url = require("url");
var node24 = require("../scripts/setup/node-24.cjs");

var root = path.dirname(__dirname);

function newestChange(folder) {
  return fs.readdirSync(folder, { withFileTypes: true }).reduce(function (newest, entry) {
    var file = path.join(folder, entry.name);
    return Math.max(newest, entry.isDirectory() ? newestChange(file) : fs.statSync(file).mtimeMs);
  }, 0);
}

function entryPoint() {
  var built = path.join(root, "dist", "main.js");
  var source = path.join(root, "src", "main.ts");
  var fresh = fs.existsSync(built) && fs.statSync(built).mtimeMs >= newestChange(path.join(root, "src"));
  return fresh ? built : source;
}

var node = node24.findNode(root);
if (node === undefined) {
  console.error("cannot start slipway: it needs Node.js 24 or newer, found " + process.version);
  console.error("hint: run `npm run setup` in " + root + ", which brings its own Node.js 24");
  process.exit(69);
}
// On the right Node already there is nothing between this process and the program.
if (node === process.execPath) void import(url.pathToFileURL(entryPoint()));
else node24.runNode(node, [entryPoint()].concat(process.argv.slice(2)));

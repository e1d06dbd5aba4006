/**
 * Finds a Node.js that can run Slipway (24 or newer) and runs a script on it. In a clone that is the one that npm
 * installed from the `node-linux-*` packages; npm itself may run on an older Node.
 * CommonJS and old syntax on purpose: an older Node is who reads this.
 */
"use strict";
var childProcess = require("child_process");
var fs = require("fs");
var os = require("os");
var path = require("path");

var OLDEST_MAJOR = 24;

/** `v24.21.0` → true, `v20.1.0` → false. */
function isNewEnough(version) {
  return Number(/^v(\d+)\./.exec(version)[1]) >= OLDEST_MAJOR;
}

/** The path of a Node >= 24: this process's own, else the clone's; undefined when there is none. */
function findNode(root) {
  if (isNewEnough(process.version)) return process.execPath;
  var ours = path.join(root, "node_modules", "node-linux-" + process.arch, "bin", "node");
  if (!fs.existsSync(ours)) return undefined;
  var answer = childProcess.spawnSync(ours, ["--version"], { encoding: "utf8" });
  return answer.status === 0 && isNewEnough(answer.stdout.trim()) ? ours : undefined;
}

/** Runs `node argv…` in place of this process: same terminal, same signals, same exit code. */
function runNode(node, argv, options) {
  var bin = path.dirname(node);
  var env = Object.assign({}, process.env, { PATH: bin + path.delimiter + (process.env.PATH || "") });
  var child = childProcess.spawn(node, argv, { stdio: "inherit", env: env, cwd: options && options.cwd });
  ["SIGINT", "SIGTERM", "SIGHUP"].forEach(function (signal) {
    process.on(signal, function () {
      // A terminal sends Ctrl-C to the whole process group: the child has it already.
      if (signal !== "SIGINT" || !process.stdin.isTTY) child.kill(signal);
    });
  });
  child.on("error", function (error) {
    console.error("cannot run " + node + ": " + error.message);
    process.exit(69);
  });
  child.on("exit", function (code, signal) {
    process.exit(signal === null ? code : 128 + (os.constants.signals[signal] || 0));
  });
}

module.exports = { findNode: findNode, isNewEnough: isNewEnough, runNode: runNode };

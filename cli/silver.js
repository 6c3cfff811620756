#!/usr/bin/env node
// The command `silver`: says so where Node is too old for it, or begins it.
import "./require-node.js";

await import("./main.ts");

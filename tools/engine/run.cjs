// What the language host runs a program by, where it was built here: the SDK's own, which loads ts-node (0.2 s) unless it is told not to.
const { env } = require("node:process");

env.PULUMI_NODEJS_TYPESCRIPT = "false";
require("@pulumi/pulumi/cmd/run");

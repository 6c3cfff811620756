import { greeter } from "../support/greeter.ts";

/** The app and the environment of every recorded state. They never change: a state is only as good as the program it belongs to. */
export const recordedFiles = {
  ...greeter("recorded"),
  "stacks/test.yaml":
    'nodes:\n  web1: { local: true, os: debian-12, roles: [web] }\nsites:\n  greeter: { app: apps/greeter, nodes: [web1], locations: ["*"] }\n',
};

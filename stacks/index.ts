import "../components/resources/light-sdk.ts";
import { setImmediate as nextTurn } from "node:timers/promises";
import { tellMissingPackages } from "../components/resources/programs.ts";

// The first question starts the command plugin, a process of its own, while this one still reads the rest of the program.
const asked = tellMissingPackages();
await nextTurn();
const [program] = await Promise.all([import("./program.ts"), asked]);

export const { sites, reach } = program;

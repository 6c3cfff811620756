import type { z } from "zod";
import { host } from "./host.ts";
import type { Complaint, MachineKind } from "./kind.ts";
import { local } from "./local.ts";

const known = { local, host };

type KindName = keyof typeof known;

/** A machine as an environment declares it, distinguished by `kind`. */
export type DeclaredMachine = ReturnType<(typeof known)[KindName]["read"]>;

/** All kinds' keys of a node. */
export const machineKeys = { ...local.keys, ...host.keys };

type DeclaredNode = z.output<z.ZodObject<typeof machineKeys>>;

const kinds: Record<KindName, MachineKind<DeclaredNode, DeclaredMachine>> = known;

/** What is wrong with a node's machine: it must be of exactly one kind, and complete. */
export function judgeMachine(node: DeclaredNode): Complaint | undefined {
  const [one, other] = given(node);
  if (one === undefined)
    return { key: "local", message: "is neither local nor has a host", fix: "add local: true, or host and hostKey" };
  if (other === undefined) return one.kind.judge(node);
  const message = `${one.kind.is} but has a ${other.key}`;
  return { key: other.key, message, fix: `delete ${one.key}, or ${other.key}` };
}

/** The machine of a valid node. */
export function readMachine(node: DeclaredNode): DeclaredMachine {
  const [one] = given(node);
  if (one === undefined) throw new Error("a node without a machine was not refused");
  return one.kind.read(node);
}

/** The kinds whose keys a node has, each with its first such key. */
function given(node: DeclaredNode): { kind: MachineKind<DeclaredNode, DeclaredMachine>; key: string }[] {
  return Object.values(kinds).flatMap((kind) =>
    kind
      .given(node)
      .slice(0, 1)
      .map((key) => ({ kind, key })),
  );
}

/** What a reviewer sees of a machine. */
export const tellMachine = (machine: DeclaredMachine): string => kinds[machine.kind].tell(machine);

/** Whether the project creates the machine, so that a replacement loses what was on it. */
export const isMade = (machine: DeclaredMachine): boolean => kinds[machine.kind].isMade;

import type { z } from "zod";

/** One kind of machine that a node may be, as an environment declares it. One file each, in registry.ts by its name. */
export interface MachineKind<Node, Machine> {
  /** Keys of a node that belong to it. */
  keys: Readonly<Record<string, z.ZodType>>;
  /** Completes "node web1 …". */
  is: string;
  /** Which of its keys a node has; none: the node is of another kind. */
  given: (node: Node) => string[];
  /** What a node with some of its keys lacks. */
  judge: (node: Node) => Complaint | undefined;
  read: (node: Node) => Machine;
  /** The project creates it: changing the system or kind replaces the machine and loses what was on it. */
  isMade: boolean;
  /** What a reviewer sees of it. */
  tell(machine: Machine): string;
}

/** What is wrong with a node. */
export interface Complaint {
  key: string;
  /** Completes "node web1 …". */
  message: string;
  fix: string;
}

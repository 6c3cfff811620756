import type { z } from "zod";

/** One kind of machine that a node may be, as an environment declares it. One file each, in registry.ts by its name. */
export interface MachineKind<Node, Machine> {
  /** Keys of a node that belong to it. */
  keys: Readonly<Record<string, z.ZodType>>;
  /** Completes "node web1 …". */
  is: string;
  /** Which of its keys a node gives; none: the node is of another kind. */
  given: (node: Node) => string[];
  /** What a node lacks that gives some of its keys. */
  judge: (node: Node) => Complaint | undefined;
  read: (node: Node) => Machine;
  /** It is made by the project: another system or kind makes another machine, and what was on it goes. */
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

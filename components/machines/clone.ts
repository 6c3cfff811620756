import { hash } from "node:crypto";
import { realpathSync } from "node:fs";
import { homedir } from "node:os";
import { join, resolve } from "node:path";

/** One checkout of the project and what it owns on this computer: its nodes and the key that opens them. */
export interface Clone {
  /** Six hex digits that identify this checkout among all on this computer. */
  id: string;
  /** The checkout's directory, for people who wonder whose node this is. */
  checkout: string;
  /** Contains one directory per node. */
  nodesDirectory: string;
  /** Private key, in OpenSSH's format, that root on every node of this checkout accepts. Created when absent. */
  keyFile: string;
  /** Signs the certificates of its nodes that speak https; made when the first one does. */
  authority: { certificate: string; key: string };
}

/** The clone of a checkout, identified by its real path: a moved checkout is another clone. */
export function cloneOf(checkoutPath: string): Clone {
  const checkout = realpathSync(checkoutPath);
  const id = hash("sha256", checkout).slice(0, 6);
  const stateHome = process.env.XDG_STATE_HOME ?? join(homedir(), ".local/state");
  return {
    id,
    checkout,
    nodesDirectory: join(stateHome, "silverlining", id, "nodes"),
    keyFile: join(checkout, ".silver/ssh/id_ed25519"),
    authority: { certificate: join(checkout, ".silver/authority.crt"), key: join(checkout, ".silver/authority.key") },
  };
}

/** The clone this file belongs to. */
export function ownClone(): Clone {
  return cloneOf(resolve(import.meta.dirname, "../.."));
}

import type { Owner } from "../../components/node/contract.ts";

/** The environment that a test's nodes belong to. */
export const ownerOf = (node: string): Owner => ({
  id: "a".repeat(64),
  name: "silverlining/test",
  backend: "s3://acme-pulumi",
  node,
});

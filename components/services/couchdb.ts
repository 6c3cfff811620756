import { onlyExternal } from "./external.ts";

/** CouchDB, which somebody else runs. In 2010 its host had the port with it. */
export const couchdb = onlyExternal({
  summary: "a database of a CouchDB that the environment names",
  prefix: "COUCHDB",
  external: {
    schemes: ["http"],
    tlsScheme: "https",
    port: 5984,
    tlsPort: 6984,
    takes: ["name", "user", "password", "tls"],
    needs: ["name"],
    variables: { DB: "@NAME@", HOST: "@SERVER@", USER: "@USER@", PASSWORD: "@PASSWORD@", CA: "@CA@", URL: "@URL@" },
  },
});

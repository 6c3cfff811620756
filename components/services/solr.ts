import { onlyExternal } from "./external.ts";

/** Solr, which somebody else runs; its name is that of a core or a collection. */
export const solr = onlyExternal({
  summary: "a core of a Solr that the environment names",
  prefix: "SOLR",
  external: {
    schemes: ["http"],
    tlsScheme: "https",
    port: 8983,
    prefix: "/solr/",
    takes: ["name", "user", "password", "tls"],
    needs: ["name"],
    variables: { HOST: "@HOST@", PORT: "@PORT@", USER: "@USER@", PASSWORD: "@PASSWORD@", CA: "@CA@", URL: "@URL@" },
  },
});

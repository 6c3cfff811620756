import { onlyExternal } from "./external.ts";

/** MongoDB, which somebody else runs. */
export const mongodb = onlyExternal({
  summary: "a database of a MongoDB that the environment names",
  prefix: "MONGODB",
  external: {
    schemes: ["mongodb"],
    port: 27017,
    takes: ["name", "user", "password", "tls"],
    needs: ["name"],
    tlsQuery: "tls=true&tlsCAFile=@CA@",
    variables: {
      DB: "@NAME@",
      HOST: "@SERVER@",
      PORT: "@PORT@",
      USER: "@USER@",
      PASSWORD: "@PASSWORD@",
      CA: "@CA@",
      URL: "@URL@",
    },
  },
});

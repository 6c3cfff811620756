import { isSystemName, systemNames, type SystemName } from "../../components/systems/systems.ts";

/** The system that the nodes of tests run: SILVER_TEST_OS. Where that is not set, around-nodes.ts has set it before any test. */
export const testOs: SystemName = wantedSystem() ?? systemNames[0];

/** A system whose Python, Varnish and services are of other versions, for tests of mixed nodes. */
export const otherOs: SystemName = testOs === "debian-13" ? "debian-12" : "debian-13";

/** What SILVER_TEST_OS says. */
export function wantedSystem(): SystemName | undefined {
  const wanted = process.env.SILVER_TEST_OS;
  if (wanted === undefined || isSystemName(wanted)) return wanted;
  throw new Error(`SILVER_TEST_OS names no system: ${wanted}; choose one of ${systemNames.join(", ")}`);
}

/** `Python 3.12` as the major and minor version. */
export const minorOf = (version: string): string => version.split(".").slice(0, 2).join(".");

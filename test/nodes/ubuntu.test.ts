import { beforeAll, expect, test } from "vitest";
import { ensureImage } from "../../components/machines/image.ts";
import { MachineError } from "../../components/machines/machine-error.ts";
import { ssh, useNodes } from "../support/nodes.ts";

const nodes = useNodes("ubuntu");

/** Why no Ubuntu node can be made here: its archive is not within everybody's reach. */
let obstacle = "";

beforeAll(async () => {
  try {
    await ensureImage("ubuntu-24.04", [], () => undefined);
  } catch (error) {
    if (!(error instanceof MachineError) || !/can't be fetched|can't be verified/.test(error.message)) throw error;
    obstacle = error.message;
  }
});

test.for(["ubuntu-24.04", "ubuntu-26.04"])("%s boots, with its own packages within reach", async (os, { skip }) => {
  skip(obstacle !== "", obstacle);
  const node = await nodes.boot(os.replace(/\W/g, "-"), { os });
  expect(await ssh(node, "systemctl is-system-running; . /etc/os-release; echo $ID-$VERSION_ID")).toBe(`running\n${os}`);
  await ssh(node, "apt-get update -q --error-on=any");
  expect(await ssh(node, "apt-cache policy varnish libapache2-mod-wsgi-py3 | grep -c 'Candidate: [0-9]'")).toBe("2");
});

import { beforeAll, expect, test } from "vitest";
import { imageObstacle, ssh, useNodes } from "../support/nodes.ts";

const nodes = useNodes("ubuntu");

let obstacle: string;

beforeAll(async () => {
  obstacle = await imageObstacle("ubuntu-24.04");
});

test.for(["ubuntu-24.04", "ubuntu-26.04"])("%s boots, with its own packages within reach", async (os, { skip }) => {
  skip(obstacle !== "", obstacle);
  const node = await nodes.boot(os.replace(/\W/g, "-"), { os });
  expect(await ssh(node, "systemctl is-system-running; . /etc/os-release; echo $ID-$VERSION_ID")).toBe(`running\n${os}`);
  await ssh(node, "apt-get update -q --error-on=any");
  expect(await ssh(node, "apt-cache policy varnish libapache2-mod-wsgi-py3 | grep -c 'Candidate: [0-9]'")).toBe("2");
});

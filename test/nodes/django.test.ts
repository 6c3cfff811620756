// A real startproject on a real node, with PostgreSQL, through Varnish.
import { expect, test } from "vitest";
import { http } from "../support/nodes.ts";
import { walkOnNode } from "../support/walk-on-node.ts";

walkOnNode("django.md", "silver up", (place) => {
  test("the admin that the first start made is there, and another host is not let in", async () => {
    const { checkout, address } = place();
    const ssh = "ssh -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR";
    const psql = "runuser -u site-notes -- psql -w -At -h /run/silver/pg-notes-g1 -d notes_g1";
    const rows = await checkout.sh(`${ssh} root@${address} "${psql} -c 'SELECT username, is_superuser FROM auth_user'"`);
    expect(rows.output).toBe("admin|t\n");
    const other = await http({ address }, "/admin/login/", { Host: "evil.example.com" });
    expect(other.status).not.toBe(200);
    expect(other.body).not.toContain("Django administration");
  });
});

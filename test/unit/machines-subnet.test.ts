import fc from "fast-check";
import { expect, test } from "vitest";
import {
  freeNumber,
  freeSubnet,
  hardwareAddress,
  interfaceName,
  overlap,
  renderSubnetFirewall,
} from "../../components/machines/subnet.ts";

const byte = fc.nat(255);
const cidr = fc
  .tuple(byte, byte, byte, byte, fc.integer({ min: 1, max: 32 }))
  .map(([a, b, c, d, n]) => `${a}.${b}.${c}.${d}/${n}`);

test.each([
  ["10.86.1.0/24", "10.86.1.77", true],
  ["10.86.1.0/24", "10.86.2.0/24", false],
  ["10.0.0.0/8", "10.86.1.0/24", true],
  ["10.86.1.128/25", "10.86.1.0/25", false],
  ["192.168.1.255", "192.168.2.0", false],
])("%s and %s overlap: %s", (left, right, expected) => {
  expect(overlap(left, right)).toBe(expected);
  expect(overlap(right, left)).toBe(expected);
});

test("a subnet given out meets none of those taken", () => {
  fc.assert(
    fc.property(fc.array(cidr, { maxLength: 30 }), (taken) => {
      const subnet = freeSubnet(taken);
      expect(taken.filter((range) => subnet !== undefined && overlap(range, `${subnet}.0/24`))).toEqual([]);
    }),
  );
});

test("clones get one subnet after the other; a range that is routed elsewhere is passed over", () => {
  expect(freeSubnet([])).toBe("10.86.1");
  expect(freeSubnet(["10.86.1.0/24", "10.86.3.0/24"])).toBe("10.86.2");
  expect(freeSubnet(["10.0.0.0/8"])).toBe("172.28.1");
  expect(freeSubnet(["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"])).toBeUndefined();
});

test("a node gets the lowest number that is free, never this computer's own", () => {
  expect(freeNumber({})).toBe(2);
  expect(freeNumber({ web1: 2, web3: 4 })).toBe(3);
  expect(freeNumber(Object.fromEntries(Array.from({ length: 253 }, (_, index) => [`n${index}`, index + 2])))).toBeUndefined();
});

test("interface names fit the 15 characters Linux allows", () => {
  expect(interfaceName("3fa2c1")).toBe("sl-3fa2c1");
  expect(interfaceName("3fa2c1", 254)).toBe("sl3fa2c1-254");
  expect(interfaceName("3fa2c1", 254).length).toBeLessThanOrEqual(15);
});

test("a hardware address is locally administered, and differs by clone and number", () => {
  expect(hardwareAddress("3fa2c1", 17)).toBe("02:3f:a2:c1:00:11");
});

test("the firewall table lets nodes out under this computer's address, and nobody in but answers", () => {
  expect(renderSubnetFirewall([{ id: "3fa2c1", subnet: "10.86.1" }])).toBe(`table inet silverlining {
  chain forward {
    type filter hook forward priority filter; policy accept;
    oifname "sl-3fa2c1" iifname != "sl-3fa2c1" ct state established,related accept
    oifname "sl-3fa2c1" iifname != "sl-3fa2c1" drop
  }
  chain postrouting {
    type nat hook postrouting priority srcnat; policy accept;
    ip saddr 10.86.1.0/24 ip daddr != 10.86.1.0/24 masquerade
  }
}
`);
});

import { isIP } from "node:net";
import ipaddr from "ipaddr.js";
import { z } from "zod";
import { field } from "../text/schema/fields.ts";

const BYTE = "(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])";
const V4 = `${BYTE}(?:\\.${BYTE}){3}(?:/(?:[1-9]|[12][0-9]|3[0-2]))?`;
const V6 = "[0-9A-Fa-f]*:[0-9A-Fa-f:]*(?:/(?:[1-9][0-9]?|1[01][0-9]|12[0-8]))?";

/** An IP address or a network, IPv4 or IPv6. Yields its shortest form. `/0`, which is everyone, is refused. */
export function network() {
  const schema = z
    .string()
    .max(60)
    .regex(new RegExp(`^(?:${V4}|${V6})$`))
    .refine((text) => networkOf(text) === shortest(text))
    .transform(shortest);
  return field(schema, {
    code: "bad-network",
    must: "an IP address, or a network: its first address, a slash and the number of its bits",
    example: "10.0.0.0/8",
    explain: (value) => {
      const text = String(value);
      if (/^[0-9A-Fa-f:.]+\/0+$/.test(text))
        return { fix: "name the proxies: who is believed can pass off any address as a visitor's" };
      const whole = networkOf(text);
      return whole === undefined || whole === text ? undefined : { fix: `write ${whole}` };
    },
  });
}

/** The network that holds an address, both as `address/bits`; an address alone is one. Undefined when it is neither. */
function networkOf(text: string): string | undefined {
  const [address = "", bits] = text.split("/");
  if (!isAddress(address)) return undefined;
  if (bits === undefined) return shortest(text);
  const network = `${address}/${Number(bits)}`;
  if (Number(bits) === 0 || !ipaddr.isValidCIDR(network)) return undefined;
  const family = isIP(address) === 4 ? ipaddr.IPv4 : ipaddr.IPv6;
  return `${family.networkAddressFromCIDR(network).toString()}/${Number(bits)}`;
}

/** The same text with its address as short as it can be (RFC 5952). */
function shortest(text: string): string {
  const [address = "", ...bits] = text.split("/");
  return [isAddress(address) ? ipaddr.parse(address).toString() : address, ...bits].join("/");
}

/** Not the address of a single interface, and no older form such as `10.1` or `::10.1.2.3`, which ipaddr.js would take, too. */
const isAddress = (text: string): boolean => isIP(text) !== 0 && !/%|:.*[.]/.test(text);

import { isIPv4, isIPv6 } from 'node:net';

/**
 * The network that failures are counted for: an IPv4 address, or the /64 of an IPv6 address. One customer gets a
 * whole /64 and can change addresses in it at will.
 */
export function clientNetwork(address: string): string {
  // Some proxies forward the port as well.
  const host = /^\[?([^\]]*?)\]?(?::\d+)?$/.exec(isIPv6(address) ? '' : address)?.[1] || address;
  const ip = host.split('%', 1)[0]!;
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(ip)?.[1];
  if (mapped !== undefined && isIPv4(mapped)) return mapped;
  return isIPv6(ip) ? `${groupsOf(ip).slice(0, 4).join(':')}::/64` : ip.slice(0, 64);
}

/** All eight groups, in lower case and without leading zeros. */
function groupsOf(ipv6: string): string[] {
  const canonical = new URL(`http://[${ipv6}]`).hostname.slice(1, -1);
  const [head, tail] = canonical.split('::').map((part) => (part === '' ? [] : part.split(':')));
  if (!tail) return head!;
  return [...head!, ...Array<string>(8 - head!.length - tail.length).fill('0'), ...tail];
}

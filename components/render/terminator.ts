import { errorPage } from "./page.ts";
import type { RenderedFile } from "./rendered.ts";
import { closedSystem } from "./sandbox.ts";
import { idleSeconds, tlsSocketName } from "./trusted-proxies.ts";
import type { Https } from "../environment/environment.ts";

/** What speaks TLS on a node, in Debian and Ubuntu. */
export const terminatorPackages = ["haproxy"];

export const terminatorUnit = "silver-https.service";

/** Where Varnish takes over from it. Only the terminator's group opens it, and no site finds the directory. */
const handOverSocket = "/var/lib/varnish/silver-tls.sock";

/** The argument of varnishd that makes that socket. */
export const tlsSocket = `${tlsSocketName}=${handOverSocket},PROXY,user=vcache,group=haproxy,mode=0660`;

/** Where the agent keeps the certificates, with their keys. */
const certificates = "/var/lib/silver/https";
const configuration = "/etc/silver/https/haproxy.cfg";
const unavailable = "/etc/silver/https/unavailable.html";

/** Mozilla's intermediate profile: clients of the last ten years. Those that have no elliptic curves are older. */
const ciphers = ["AES128-GCM-SHA256", "AES256-GCM-SHA384", "CHACHA20-POLY1305"].flatMap((cipher) => [
  `ECDHE-ECDSA-${cipher}`,
  `ECDHE-RSA-${cipher}`,
]);

/** A node's files for its terminator: HAProxy, which does nothing but TLS and HTTP/2, and hands each request to Varnish. */
export function terminatorFiles(https: Https): RenderedFile[] {
  const own = { mode: "0644", after: "https-restart" } as const;
  return [
    { path: configuration, content: renderTerminator(https), ...own },
    {
      path: unavailable,
      content: errorPage("Back in a moment", "This site can't answer right now. Please try again shortly."),
      ...own,
    },
    { path: `/etc/systemd/system/${terminatorUnit}`, content: renderTerminatorUnit(), ...own },
  ];
}

function renderTerminator({ hstsSeconds }: Https): string {
  const told = "unless { res.hdr(Strict-Transport-Security) -m found }";
  const hsts =
    hstsSeconds === undefined
      ? ""
      : `  # What an app says itself goes before it.\n  http-after-response set-header Strict-Transport-Security "max-age=${hstsSeconds}" ${told}\n`;
  return `# Made by silver. Speaks TLS and HTTP/2 with visitors, and hands each request to Varnish, with word of who asks.
global
  log stderr format raw daemon err
  # By it the agent puts in new certificates, while connections go on.
  stats socket /run/silver-https/admin level admin mode 600
  stats timeout 1m
  maxconn 4000
  # Mozilla's intermediate profile.
  ssl-default-bind-options ssl-min-ver TLSv1.2 no-tls-tickets prefer-client-ciphers
  ssl-default-bind-ciphers ${ciphers.join(":")}
  ssl-default-bind-ciphersuites TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256
  # Varnish takes as much of a request, and of an answer's headers.
  tune.bufsize 131072
  tune.http.maxhdr 256

defaults
  mode http
  # Varnish ends what takes too long, and says so with a page: each of these is longer than its own. Who reads nothing is let go
  # here all the same: Varnish would wait for an hour.
  timeout connect 5s
  timeout http-request 15s
  timeout client 90s
  timeout client-fin 30s
  timeout server 2h
  # Shorter than Varnish's ${idleSeconds} s: a request never meets a connection that is just being closed.
  timeout http-keep-alive ${idleSeconds - 5}s
  option http-ignore-probes
  # While Varnish is started again, visitors wait.
  retries 5

frontend visitors
  # The first certificate of the list is for whoever asks for no name, or for one that has none.
  bind :443 ssl crt-list ${certificates}/crt-list curves X25519:prime256v1:secp384r1 alpn h2,http/1.1
  bind :::443 v6only ssl crt-list ${certificates}/crt-list curves X25519:prime256v1:secp384r1 alpn h2,http/1.1
${hsts}  default_backend varnish

backend varnish
${[502, 503, 504].map((status) => `  http-error status ${status} content-type "text/html; charset=utf-8" file ${unavailable} hdr Retry-After 5 hdr Cache-Control no-store\n`).join("")}  server varnish unix@${handOverSocket} send-proxy-v2
`;
}

function renderTerminatorUnit(): string {
  return `# Made by silver. Not the package's own unit: that one would read /etc/haproxy, and has rights of root.
[Unit]
Description=HTTPS in front of Varnish
After=network.target silver-boot.service varnish.service
# A taken port ends some day.
StartLimitIntervalSec=0

[Service]
Type=exec
# Holds the keys of all certificates, and nobody else's process does.
User=haproxy
Group=haproxy
RuntimeDirectory=silver-https
RuntimeDirectoryMode=0700
ExecStart=/usr/sbin/haproxy -db -f ${configuration}
Restart=always
RestartSec=1
LimitNOFILE=16384

# For port 443 alone.
CapabilityBoundingSet=CAP_NET_BIND_SERVICE
AmbientCapabilities=CAP_NET_BIND_SERVICE
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6
UMask=0077
ProtectSystem=strict
InaccessiblePaths=-/srv/silver -/var/lib/silver/authority.pem -/run/dbus
PrivateTmp=yes
PrivateDevices=yes
PrivateIPC=yes
ProtectProc=invisible
ProcSubset=pid
MemoryDenyWriteExecute=yes
${closedSystem}
[Install]
WantedBy=multi-user.target
`;
}

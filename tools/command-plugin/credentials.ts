/** Checks the credentials before any dial: no retry would fix them. Errors in the real plugin's words. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { connect } from "node:net";
import type { Endpoint } from "./inputs.ts";
import { agentSocket, sshEnvironment, type SshFolder } from "./ssh-config.ts";

export async function checkCredentials(endpoint: Endpoint, files: SshFolder): Promise<void> {
  if (endpoint.privateKey !== undefined) await checkKey(endpoint, files);
  const agent = agentSocket(endpoint);
  if (agent !== undefined) await checkAgent(agent);
}

/** ssh passes over a key it can't read and says only that permission was denied; ssh-keygen says why. */
async function checkKey(endpoint: Endpoint, files: SshFolder): Promise<void> {
  const reader = spawn("ssh-keygen", ["-y", "-f", files.key], {
    env: { ...sshEnvironment(), ...files.environment },
    stdio: ["ignore", "ignore", "pipe"],
  });
  let stderr = "";
  reader.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
  const [code] = (await once(reader, "close")) as [number | null];
  if (code === 0) return;
  if (!stderr.includes("incorrect passphrase")) throw new Error("ssh: no key found");
  throw new Error(
    endpoint.privateKeyPassword === undefined
      ? "ssh: this private key is passphrase protected"
      : "x509: decryption password incorrect",
  );
}

async function checkAgent(path: string): Promise<void> {
  const socket = connect(path);
  const problem = await new Promise<NodeJS.ErrnoException | undefined>((resolve) => {
    socket.on("connect", () => {
      resolve(undefined);
    });
    socket.on("error", resolve);
  });
  socket.destroy();
  if (problem === undefined) return;
  const reasons: Record<string, string> = { ENOENT: "no such file or directory", ECONNREFUSED: "connection refused" };
  throw new Error(`dial unix ${path}: connect: ${reasons[problem.code ?? ""] ?? problem.message}`);
}

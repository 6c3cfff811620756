/** A distributor of systems, with an archive of the packages of all its releases. */
export interface Distribution {
  /** What verifies its archive. */
  keyring: Keyring;
  /** Lines of sources.list for a release; `architecture` as Debian names it, e.g. `amd64`. */
  sources: (suite: string, architecture: string) => string[];
}

/** Keys that sign an archive: a file of a package, if this computer's own archive has that package. */
export interface Keyring {
  file: string;
  package: string;
}

/** Hosts of the archives below, and all below them. */
export const distributionHosts = ["ubuntu.com", "debian.org"];

/** Ubuntu keeps ports to architectures other than amd64 on a separate host. */
export const ubuntu: Distribution = {
  keyring: { file: "/usr/share/keyrings/ubuntu-archive-keyring.gpg", package: "ubuntu-keyring" },
  sources: (suite, architecture) => {
    const archive = architecture === "amd64" ? "http://archive.ubuntu.com/ubuntu" : "http://ports.ubuntu.com/ubuntu-ports";
    return [suite, `${suite}-updates`, `${suite}-security`].map((pocket) => `deb ${archive} ${pocket} main universe`);
  },
};

export const debian: Distribution = {
  keyring: { file: "/usr/share/keyrings/debian-archive-keyring.gpg", package: "debian-archive-keyring" },
  sources: (suite) => [
    `deb http://deb.debian.org/debian ${suite} main`,
    `deb http://deb.debian.org/debian ${suite}-updates main`,
    `deb http://security.debian.org/debian-security ${suite}-security main`,
  ],
};

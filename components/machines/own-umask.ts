// What starts to make a machine (mmdebstrap, tar, update-ca-certificates) writes files of that machine, which everybody there reads.
process.umask(0o022);

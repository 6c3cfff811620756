/** How many times as long a test of what is random runs: 1, and more in a soak (SILVER_SOAK). */
export const soak = Number(process.env.SILVER_SOAK ?? "1");

/** Name of the command that holds a protected environment together. */
export const PROTECTION = "protection";

/** Variable with the name of the environment that is destroyed: `silver destroy` sets it, once somebody typed that name. */
export const destroyed = "SILVER_DESTROY";

// Finds commands that would log in to a site's database as its server's superuser: whatever an app put there would run with all
// rights. It reads text as people write it: shell words, nested commands, and what a line of a block says for the lines below it.

/** Programs that log in to a database. */
const clients =
  /^(?:.*\/)?(psql|pgcli|usql|pgbench|pg_dump|pg_dumpall|pg_restore|createdb|dropdb|createuser|dropuser|vacuumdb|vacuumlo|reindexdb|clusterdb|pg_amcheck|oid2name)$/;
/** Programs that run others as another user. */
const switches =
  /^(?:.*\/)?(?:su|sudo|runuser|doas|setpriv|machinectl|systemd-run|chpst|gosu|su-exec|setuidgid|s6-setuidgid|start-stop-daemon|ssh|docker|podman|kubectl|chroot|sshpass|pkexec|capsh)$/;
const isSuper = (user: string): boolean => /^(?:postgres|pgsql|pg-.+|#\d+)$/.test(user);
/** The one database where nothing is an app's. */
const isOurs = (database: string): boolean => database === "postgres";

/** What lines of a block have said for those below them. */
interface Shell {
  /** Who runs commands, as far as it is said. */
  user?: string;
  variables: Record<string, string>;
  /** Whether a superuser's client was begun, which lines below may take to another database. */
  isIn?: boolean;
}

/** The commands of a text that would log in to a site's database as superuser. */
export function superuserLogins(text: string): string[] {
  const shell: Shell = { variables: {} };
  return text
    .replaceAll(/\\\r?\n\s*/g, " ")
    .split("\n")
    .flatMap((line) => {
      // A block of Markdown begins anew, and so does a paragraph.
      if (/^\s*(?:```.*)?$/.test(line)) Object.assign(shell, { user: undefined, variables: {}, isIn: false });
      if (shell.isIn === true && /^(?:\S*[=#>]+\s*)?\\c(?:onnect)?\s+(?!postgres\b)/.test(line.trim())) return [line.trim()];
      return judge(wordsOf(line.replace(/^\s*[$#>]\s+/, "")), shell) ? [line.trim()] : [];
    });
}

const operators = new Set([";", "|", "||", "&", "&&", "(", ")", "{", "}", "`", "\n"]);

/** Words as a shell splits them, and operators; what is in quotes is one word. */
function wordsOf(text: string): string[] {
  const words: string[] = [];
  let word: string | undefined;
  const end = () => {
    if (word !== undefined) words.push(word);
    word = undefined;
  };
  for (let at = 0; at < text.length; at++) {
    const character = text[at] ?? "";
    if (character === "\\" && at + 1 < text.length) word = (word ?? "") + (text[++at] ?? "");
    else if (character === "'" || character === '"') {
      const close = closing(text, at, character);
      // Python's f"…".
      if (/^[frb]{1,2}$/i.test(word ?? "")) word = "";
      word = (word ?? "") + text.slice(at + 1, close).replaceAll(/\\(["'`$])/g, "$1");
      at = close;
    } else if (/[\s[\]]/.test(character) || (character === "," && /["'`]/.test(text[at - 1] ?? ""))) end();
    else if (character === "$" && text[at + 1] === "(") {
      end();
      words.push("(");
      at++;
    } else if (/[;|&()`\n]/.test(character) || (/[{}]/.test(character) && text[at - 1] !== "$" && !isInVariable(text, at))) {
      end();
      words.push(text[at + 1] === character && /[|&]/.test(character) ? character.repeat(2) : character);
      if (words.at(-1)?.length === 2) at++;
    } else word = (word ?? "") + character;
  }
  end();
  return words;
}

/** Where a quote ends; without an end, it is an apostrophe, and ends at once. */
function closing(text: string, at: number, quote: string): number {
  for (let end = at + 1; end < text.length; end++) {
    if (text[end] === "\\") end++;
    else if (text[end] === quote) return end;
  }
  return at;
}

/** Whether a brace closes `${…}`. */
const isInVariable = (text: string, at: number): boolean => /\$\{[^{}]*$/.test(text.slice(0, at));

/** Whether one of the commands in these words logs in as superuser. Changes `shell` by what it says for later lines. */
function judge(words: readonly string[], shell: Shell): boolean {
  const commands: string[][] = [[]];
  for (const word of words) {
    if (operators.has(word)) commands.push([]);
    else commands.at(-1)?.push(word);
  }
  return commands.map((command) => judgeCommand(command, shell)).includes(true);
}

function judgeCommand(words: readonly string[], shell: Shell): boolean {
  if (words.some(isConnection)) return true;
  const at = words.findIndex((word) => clients.test(word));
  const assigned = Object.fromEntries(
    words.slice(0, at === -1 ? undefined : at).flatMap((word) => {
      const [, name, value] = /^(PG\w+)=(.*)$/.exec(word) ?? [];
      return name === undefined || value === undefined ? [] : [[name, value]];
    }),
  );
  const variables = { ...shell.variables, ...assigned };
  if (words.includes("--single") && words.some((word) => /^(?:.*\/)?postgres$/.test(word))) return true;
  if (at !== -1) {
    const user = switchedTo(words.slice(0, at)) ?? shell.user;
    const found = loginOf(words[at] ?? "", words.slice(at + 1), { ...(user === undefined ? {} : { user }), variables });
    if (found === "ours") shell.isIn = true;
    return found === "theirs";
  }
  const user = switchedTo(words.filter((word) => !/\s/.test(word))) ?? shell.user;
  const inner: Shell = { ...(user === undefined ? {} : { user }), variables };
  const nested = words
    .filter((word) => /\s/.test(word))
    .map((word) => word.split("\n").map((line) => judge(wordsOf(line), inner)));
  if (nested.flat().includes(true)) return true;
  // A line that only becomes another user, or sets a variable, speaks for those below it.
  if (words.length > 0 && words[0] === "exit") Reflect.deleteProperty(shell, "user");
  else if (user !== undefined && nested.length === 0 && words.some((word) => switches.test(word))) shell.user = user;
  if (words[0] === "export" || Object.keys(assigned).length === words.length) Object.assign(shell.variables, assigned);
  return false;
}

/** The user that words such as `sudo -iu postgres` run others as: only a superuser's name counts. */
function switchedTo(words: readonly string[]): string | undefined {
  const at = words.findIndex((word) => switches.test(word));
  if (at === -1) return undefined;
  for (const word of words.slice(at + 1)) {
    const [, name = ""] = /^(?:-{0,2}[\w-]*[=:]|-[a-z]*u)?([^@\s=]+)(?:@.*)?$/.exec(word) ?? [];
    if (isSuper(name)) return name;
    if (isSuper(word.replace(/@.*$/, ""))) return word.replace(/@.*$/, "");
  }
  return undefined;
}

/** Whose database a client with these words logs in to as superuser; undefined: it does not. */
function loginOf(program: string, words: readonly string[], { user: runBy, variables }: Shell): "ours" | "theirs" | undefined {
  const name = clients.exec(program)?.[1] ?? "";
  const plain: string[] = [];
  let role = variables.PGUSER;
  let database = variables.PGDATABASE;
  let isAll = name === "pg_dumpall";
  let sql = "";
  for (let at = 0; at < words.length; at++) {
    // `-Atc` is `-A -t -c`.
    const word = (words[at] ?? "").replace(/^-[AabeEnqsStwWxXz01H]+(?=[UdcfhpvPoTRF])/, "-");
    const value = (short: string, long: string): string | undefined => {
      if (word === `-${short}` || word === `--${long}`) return words[++at] ?? "";
      if (word.startsWith(`--${long}=`)) return word.slice(long.length + 3);
      return word.startsWith(`-${short}`) && !word.startsWith("--") ? word.slice(2) : undefined;
    };
    const asked = value("U", "username");
    const named = asked === undefined ? value("d", "dbname") : undefined;
    const said = asked === undefined && named === undefined ? value("c", "command") : undefined;
    if (asked !== undefined) role = asked;
    else if (named !== undefined) database = named;
    else if (said !== undefined) sql += `${said}\n`;
    else if (word === "--all" || (word === "-a" && name !== "psql")) isAll = true;
    // Options that take a word of their own.
    else if (/^(?:-[hpfvPLjntFRTWsoNO]|--(?:host|port|file|set|variable|pset|output|format|jobs|table|schema))$/.test(word)) at++;
    else if (!word.startsWith("-") && !/^\d*[<>]/.test(word)) plain.push(word);
  }
  const [first, second] = plain;
  database = first ?? database;
  if (name === "psql") role = second ?? role;
  const who = role ?? runBy;
  if (who === undefined || !isSuper(who)) return undefined;
  if (isAll || name !== "psql" || /\\c(?:onnect)?\s+(?!postgres\b)/.test(sql)) return "theirs";
  return database === undefined || isOurs(database) ? "ours" : "theirs";
}

/** Whether a word is an address, or a list of parameters, by which a superuser logs in to a site's database. */
function isConnection(word: string): boolean {
  const url = /postgres(?:ql)?(?:\+\w+)?:\/\/(?:([^\s:@/]*)(?::[^\s@/]*)?@)?[^\s/?]*\/?([^\s?'"]*)(?:\?(\S*))?/.exec(word);
  if (url !== null) {
    const [, user = "", database = "", query = ""] = url;
    const asked = /(?:^|&)user=([^&]*)/.exec(query)?.[1] ?? user;
    const named = /(?:^|&)dbname=([^&]*)/.exec(query)?.[1] ?? database;
    return isSuper(decodeURIComponent(asked)) && !isOurs(named) && named !== "";
  }
  const user = /(?:^|[\s,(;])user\s*[=:]\s*['"]?([\w-]+)/.exec(word)?.[1];
  const database = /(?:^|[\s,(;])(?:dbname|database)\s*[=:]\s*['"]?([\w-]+)/.exec(word)?.[1];
  return user !== undefined && database !== undefined && isSuper(user) && !isOurs(database);
}

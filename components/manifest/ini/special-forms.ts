import {
  mapOf,
  oneLine,
  optionText,
  pairs,
  pairsOf,
  readOption,
  single,
  textOf,
  type IniForm,
  type KeyPath,
  type PairShape,
} from "./forms.ts";
import { quoteName } from "../../text/quote.ts";
import { tidyPath } from "../../text/schema/paths.ts";
import { contentLines, keySpot, valueSpot, type IniTree } from "../../text/ini-tree.ts";
import { wordsOf, type IniWord } from "./words.ts";

/** Options of services that are lists: here with commas between. */
const listOptions = ["extensions"];

/**
 * `service.NAME`: blank or `true` when NAME is the type (Silver Lining asked only that the key be there),
 * else the type and its options.
 */
export function service(path: KeyPath): IniForm {
  return {
    path,
    read: (entry, into) => {
      const words = wordsOf(entry, into);
      into.open(path, keySpot(entry), valueSpot(entry));
      const [first] = words;
      const truth = first && words.length === 1 ? truthOf(first.text) : undefined;
      if (first && truth === false) {
        const message = `${quoteName(entry.key)} = ${first.raw} still asks for the service: the key alone is enough, as in 2010`;
        into.warning("service-on", first, message, "delete the line");
      }
      if (truth !== undefined) return;
      for (const [index, word] of words.entries()) {
        if (word.option !== undefined && listOptions.includes(word.option)) readList(path, word, into);
        else if (word.option !== undefined) readOption(path, word, into);
        else if (index === 0) into.put([...path, "type"], word.text, word, word);
        else
          into.error(
            "bad-words",
            word,
            `${quoteName(word.raw)} has no meaning for ${quoteName(entry.key)}`,
            "write the type, then options as key=value",
          );
      }
    },
    write: (part) => {
      const spelled = Object.entries(mapOf(part)).map(([key, value]) => [key, Array.isArray(value) ? value.join(",") : value]);
      const options = pairsOf(Object.fromEntries(spelled));
      const type = options.find(([key]) => key === "type");
      const rest = options.filter(([key]) => key !== "type");
      return oneLine([...(type ? [type[1]] : []), ...rest.map(optionText)]);
    },
  };
}

function readList(path: KeyPath, word: IniWord, into: IniTree): void {
  const at: KeyPath = [...path, word.option ?? ""];
  const items = word.text.split(",");
  into.put(at, items, word, { line: word.line, column: word.valueColumn });
  let column = word.valueColumn + (word.quoted ? 1 : 0);
  for (const [index, item] of items.entries()) {
    const spot = { line: word.line, column };
    into.mark([...at, index], spot, spot);
    column += item.length + 1;
  }
}

/** How Silver Lining's asbool read a word; undefined for neither. */
function truthOf(word: string): boolean | undefined {
  if (/^(?:true|yes|on|y|t|1)$/i.test(word)) return true;
  return /^(?:false|no|off|n|f|0)$/i.test(word) ? false : undefined;
}

const requiredShape: PairShape = {
  shape: "NAME what it is for",
  pattern: /^([^ \t]+)[ \t]*([^]*)$/,
  // A name alone could look like a boolean: then it gets an empty text.
  join: (key, value) => (value === "" && truthOf(key) === undefined ? key : `${key} ${value === "" ? '""' : value}`),
};

/** `config.required`: true or false (a directory of configuration, as in 2010), or one variable a line with what it is for. */
export function requiredConfig(path: KeyPath): IniForm {
  const variables = pairs(path, requiredShape);
  return {
    path,
    read: (entry, into) => {
      const [line, second] = contentLines(entry);
      const truth = line && !second ? truthOf(line.text) : undefined;
      if (truth === undefined) variables.read(entry, into);
      else into.put(path, truth, keySpot(entry), valueSpot(entry));
    },
    write: (part) => (typeof part === "object" ? variables.write(part) : [textOf(part)]),
  };
}

const defaultShape: PairShape = {
  shape: "NAME=value",
  pattern: /^([A-Za-z_][A-Za-z0-9_]*)[ \t]*=[ \t]*([^]*)$/,
  join: (key, value) => `${key}=${value}`,
};

/** `config.default`: a directory (as in 2010), or one NAME=value a line. */
export function defaultConfig(path: KeyPath): IniForm {
  const directory = single(path, tidyPath);
  const variables = pairs(path, defaultShape);
  return {
    path,
    read: (entry, into) => {
      const [line, second] = contentLines(entry);
      const isDirectory = line && !second && !/^[A-Za-z_][A-Za-z0-9_]*[ \t]*=/.test(line.text);
      (isDirectory ? directory : variables).read(entry, into);
    },
    write: (part) => (typeof part === "object" ? variables.write(part) : [textOf(part)]),
  };
}

/** Silver Lining stripped the scheme from a location (appdata.normalize_location). */
export function tidyLocation(text: string): string {
  return text.replace(/^https?:\/\//, "");
}

import { resolve } from "node:path";
import ts from "typescript";

/** A field of a type: where it is reached from the type first asked for, and whether anything reads it. */
export interface Field {
  /** `Plan.sites[].check.path`; `{}` is a name of the writer's choice. */
  path: string;
  isRead: boolean;
}

/** Sources with their types, asked what of them is used. */
export class Sources {
  readonly #program: ts.Program;
  readonly #checker: ts.TypeChecker;
  readonly #files: readonly ts.SourceFile[];

  /** @param files absolute paths */
  constructor(files: readonly string[], options: ts.CompilerOptions) {
    this.#program = ts.createProgram(files, options);
    this.#checker = this.#program.getTypeChecker();
    this.#files = this.#program.getSourceFiles().filter(({ fileName }) => files.includes(fileName));
  }

  /**
   * Every field of an interface and of the types in it that these sources declare. A field is read where it is named behind a
   * dot or in a destructuring; to copy it with the whole, or to write it, does not count.
   */
  fieldsOf(file: string, name: string): Field[] {
    const fields = new Map<ts.Declaration, string>();
    this.#program.getSourceFile(file)?.forEachChild((node) => {
      if (ts.isInterfaceDeclaration(node) && node.name.text === name)
        this.#collect(this.#checker.getTypeAtLocation(node.name), name, fields, new Set());
    });
    const read = this.#readDeclarations();
    return [...fields].map(([declaration, path]) => ({ path, isRead: read.has(declaration) }));
  }

  /** Those of `words` that are written as a value where only `words` may stand; comparisons and lists make none. */
  made(words: readonly string[]): Set<string> {
    const made = new Set<string>();
    for (const node of this.#nodes()) {
      if (!ts.isStringLiteral(node) || ts.isArrayLiteralExpression(node.parent)) continue;
      const wanted = literalsOf(this.#checker.getContextualType(node));
      if (wanted.length > 1 && wanted.every((word) => words.includes(word))) made.add(node.text);
    }
    return made;
  }

  #collect(type: ts.Type, path: string, fields: Map<ts.Declaration, string>, seen: Set<ts.Type>): void {
    for (const part of type.isUnionOrIntersection() ? type.types : [type]) {
      if (seen.has(part) || (part.flags & ts.TypeFlags.Object) === 0) continue;
      seen.add(part);
      const element = this.#checker.getIndexTypeOfType(part, ts.IndexKind.Number);
      if (element) this.#collect(element, `${path}[]`, fields, seen);
      if (this.#checker.isArrayType(part)) continue;
      const value = this.#checker.getIndexTypeOfType(part, ts.IndexKind.String);
      if (value) this.#collect(value, `${path}{}`, fields, seen);
      for (const property of this.#checker.getPropertiesOfType(part)) {
        const at = `${path}.${property.name}`;
        for (const declaration of property.declarations ?? [])
          if (this.#files.includes(declaration.getSourceFile()) && !fields.has(declaration)) fields.set(declaration, at);
        this.#collect(this.#checker.getTypeOfSymbol(property), at, fields, seen);
      }
    }
  }

  #readDeclarations(): Set<ts.Declaration> {
    const symbols = [...this.#nodes()].flatMap((node) => {
      if (ts.isPropertyAccessExpression(node)) return isWritten(node) ? [] : [this.#checker.getSymbolAtLocation(node.name)];
      const key =
        ts.isBindingElement(node) && ts.isObjectBindingPattern(node.parent) ? (node.propertyName ?? node.name) : undefined;
      if (key === undefined || !ts.isIdentifier(key)) return [];
      const type = this.#checker.getTypeAtLocation(node.parent);
      return (type.isUnion() ? type.types : [type]).map((part) => this.#checker.getPropertyOfType(part, key.text));
    });
    return new Set(symbols.flatMap((symbol) => symbol?.declarations ?? []));
  }

  *#nodes(): Generator<ts.Node> {
    const left: ts.Node[] = [...this.#files];
    for (let node = left.pop(); node !== undefined; node = left.pop()) {
      yield node;
      node.forEachChild((child) => void left.push(child));
    }
  }
}

function isWritten(node: ts.PropertyAccessExpression): boolean {
  const { parent } = node;
  return ts.isBinaryExpression(parent) && parent.left === node && parent.operatorToken.kind === ts.SyntaxKind.EqualsToken;
}

function literalsOf(type: ts.Type | undefined): string[] {
  if (type === undefined) return [];
  return (type.isUnion() ? type.types : [type]).flatMap((part) => (part.isStringLiteral() ? [part.value] : []));
}

/** The compiler's options of a project. */
export function compilerOptions(root: string): ts.CompilerOptions {
  const { config } = ts.readConfigFile(resolve(root, "tsconfig.json"), (path) => ts.sys.readFile(path)) as { config: unknown };
  return ts.parseJsonConfigFileContent(config, ts.sys, root).options;
}

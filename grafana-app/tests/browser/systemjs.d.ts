declare module 'systemjs/dist/*';

declare const System: {
  set(id: string, module: object): void;
  addImportMap(map: { imports: Record<string, string> }): void;
  import(url: string): Promise<unknown>;
};

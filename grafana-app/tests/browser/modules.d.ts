declare module 'systemjs/dist/*';
declare module '@fontsource/inter/*';
declare module 'react-router-dom-v5-compat' {
  export * from 'react-router';
}

declare const System: {
  set(id: string, module: object): void;
  addImportMap(map: { imports: Record<string, string> }): void;
  import(url: string): Promise<unknown>;
};

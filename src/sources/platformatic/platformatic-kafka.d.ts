/** What the type declarations of @platformatic/kafka lean on and this project does not have: debug's types, and undici's part of fetch. */
declare module 'debug' {
  namespace debug {
    type Debugger = (...values: readonly unknown[]) => void;
  }
  const debug: (name: string) => debug.Debugger;
  export default debug;
}

interface RequestInit {
  readonly dispatcher?: unknown;
}

declare module 'snappyjs' {
  /** Opens one raw block. */
  const snappy: { uncompress(block: Buffer): Buffer };
  export default snappy;
}

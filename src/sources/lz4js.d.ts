declare module 'lz4js' {
  const lz4: {
    /** Largest size the frame can inflate to, read from its headers. */
    decompressBound(frame: Uint8Array): number;
    /** Inflates into `target` and answers the bytes produced, which may be more than fit. */
    decompressFrame(frame: Uint8Array, target: Uint8Array): number;
    compress(bytes: Uint8Array): Uint8Array;
  };
  export default lz4;
}

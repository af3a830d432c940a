declare module 'kafkajs-snappy' {
  const createSnappyCodec: () => {
    compress(encoder: { readonly buffer: Buffer }): Promise<Buffer>;
    decompress(buffer: Buffer): Promise<Buffer | Uint8Array>;
  };
  export default createSnappyCodec;
}

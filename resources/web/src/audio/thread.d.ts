// What an audio thread has, for the files that run there (worklet.ts, capture.ts); TypeScript knows only the page's side.
declare const currentFrame: number;
declare class AudioWorkletProcessor {
  readonly port: MessagePort;
}
declare function registerProcessor(name: string, type: new (options: { processorOptions: never }) => unknown): void;

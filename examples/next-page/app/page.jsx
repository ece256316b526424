'use client';
import { useEffect, useState } from 'react';

export default function Page() {
  const [text, setText] = useState('loading');
  useEffect(() => {
    // In the browser alone: pages of clients are rendered on the server, too.
    import('./predict.js').then(({ report }) => report()).then(setText, (error) => setText(String(error)));
  }, []);
  return <pre id="report">{text}</pre>;
}

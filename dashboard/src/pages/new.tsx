// The page of /new; still empty.
export default function Page() {
  return <h1>new</h1>;
}

// The page of /compare; still empty.
export default function Page() {
  return <h1>compare</h1>;
}

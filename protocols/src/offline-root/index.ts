export {
  certifyIssuing,
  makeRoot,
  nameIn,
  openRootFile,
  type OpenedRoot,
  type RootFile,
  rootFile,
  rootOfKey,
  sealRoot,
  signTrust,
} from './root-file.ts';
export { openParcel, packParcel, type Parcel, parcel } from './parcel.ts';

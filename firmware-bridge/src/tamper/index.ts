export { openTamper, type Tamper, tamperSensor, type TamperSensor, tamperSensors } from './tamper.ts';
